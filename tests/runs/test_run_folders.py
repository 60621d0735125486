"""Runs below a folder: all of them are found, however deep, or what was left out is told."""

from synthetic_runs import write_run

from raymeta.cli import main
from raymeta.runs import run_folders
from raymeta.runs.run_folders import expand_runs, find_runs


def begin(folder):
    write_run(folder, "random_box", iterations=1)
    return str(folder)


def test_runs_at_several_depths_are_all_found_by_name(tmp_path):
    shallow = begin(tmp_path / "runs/a")
    deep = begin(tmp_path / "runs/b/study/sweep/trial/seed_0")
    deeper = begin(tmp_path / "runs/b/study/sweep/trial/seed_10/again")
    second = begin(tmp_path / "runs/b/study/sweep/trial/seed_9")
    found = find_runs([str(tmp_path / "runs")])
    assert found.runs == [shallow, deep, second, deeper]
    assert found.left_out == []
    assert expand_runs([str(tmp_path / "runs")]) == found.runs


def test_runs_inside_the_folder_of_another_run_are_found_too(tmp_path):
    """A run that was begun in the folder of several seeds."""
    outer, inner = begin(tmp_path / "runs/mine"), begin(tmp_path / "runs/mine/seed_0")
    assert expand_runs([str(tmp_path / "runs")]) == [outer, inner]


def test_a_run_that_is_named_stands_for_itself_and_others_inside_are_told(tmp_path, capsys):
    outer, _ = begin(tmp_path / "mine"), begin(tmp_path / "mine/seed_0")
    found = find_runs([outer])
    assert found.runs == [outer]
    assert len(found.left_out) == 1
    assert "seed_0" in found.left_out[0]
    assert main(["report", outer, "--out", str(tmp_path / "report")]) == 0
    assert "seed_0" in capsys.readouterr().err


def test_a_run_alone_has_nothing_to_tell_of(tmp_path):
    assert find_runs([begin(tmp_path / "mine")]).left_out == []


def test_what_is_too_deep_is_told(tmp_path, capsys):
    shallow = begin(tmp_path / "runs/a")
    begin(tmp_path.joinpath("runs", *"bcdefghijk"))
    for command in (["report"], ["status"]):
        more = ["--out", str(tmp_path / "report")] if command == ["report"] else []
        assert main([*command, str(tmp_path / "runs"), *more]) == 0
        assert "b/c/d/e" in capsys.readouterr().err
    assert find_runs([str(tmp_path / "runs")]).runs == [shallow]


def test_more_folders_than_are_looked_through_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(run_folders, "MAX_FOLDERS", 3)
    runs = [begin(tmp_path / f"runs/{name}") for name in "abcde"]
    found = find_runs([str(tmp_path / "runs")])
    assert set(found.runs) < set(runs)
    assert found.left_out

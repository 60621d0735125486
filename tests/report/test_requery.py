"""Another query from a finished run's network, by the real command."""

import hashlib
import json

import pyarrow.parquet as pq
import pytest

from raymeta.cli import main
from raymeta.config import ConfigError, load_config
from raymeta.report.requery import _changed, _check_target, _slug
from raymeta.runs.store_files import RunError, StoreFiles


def requery(runner, run_dir, *arguments):
    done = runner.raymeta("requery", "--local", str(run_dir), *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def checksums(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_settings_give_the_same_query_and_others_another(runner, undisturbed, tmp_path):
    before = checksums(undisturbed.run_dir)
    requery(runner, undisturbed.run_dir, "--iteration", "1", "--out", str(tmp_path / "same"))
    original = undisturbed.run_dir / "iterations/001"
    assert pq.read_table(tmp_path / "same/query.parquet").equals(pq.read_table(original / "query.parquet"))
    assert pq.read_table(tmp_path / "same/annotation.parquet").equals(pq.read_table(original / "annotation.parquet"))
    told = json.loads((tmp_path / "same/requery.json").read_text())
    assert told["overlap"] == {"of_original": 1.0, "of_other": 1.0, "of_union": 1.0, "equal_boxes": 20}
    settings = ["acquisition.box_width=8", "acquisition.strategy=entropy_box", "acquisition.query_size=30"]
    shown = requery(runner, undisturbed.run_dir, "--iteration", "1", *settings, "--out", str(tmp_path / "other"))
    assert "true clicks" in shown
    other = pq.read_table(tmp_path / "other/query.parquet")
    assert set(other["width"].to_pylist()) == {8}
    assert other.num_rows == 30
    assert (tmp_path / "other/boxes.png").stat().st_size > 1000
    assert checksums(undisturbed.run_dir) == before


@pytest.mark.parametrize("override", ["seed=1", "acquisition.initial_images=4", "network.batch_norm=false"])
def test_settings_that_need_another_network_are_refused(runner, override):
    with pytest.raises(ConfigError, match="would need other labels or another network"):
        _changed(load_config(runner.config), [override])


def test_no_such_iteration(runner, capsys):
    from raymeta.runs.run_store import RunStore

    RunStore(str(runner.run_dir)).create(load_config(runner.config))
    assert main(["requery", str(runner.run_dir), "--iteration", "7", "acquisition.box_width=8"]) == 2
    assert "has no sound network and query" in capsys.readouterr().err


def test_other_settings_have_another_folder():
    asked = [["acquisition.epsilon=1.5"], ["acquisition.epsilon=2.5"], ["acquisition.strategy=a/b", "scoring.actors=2"]]
    assert [_slug(7, overrides) for overrides in asked] == [
        "007_epsilon=1.5",
        "007_epsilon=2.5",
        "007_strategy=a-b_actors=2",
    ]


@pytest.mark.parametrize("name", ["manifest.json", "run.json"])
def test_a_folder_of_the_run_itself_is_refused(tmp_path, name):
    (tmp_path / name).write_text("{}")
    with pytest.raises(RunError, match="give --out a folder of its own"):
        _check_target(StoreFiles(str(tmp_path)), [])


def test_a_folder_of_another_requery_is_refused(tmp_path):
    files = StoreFiles(str(tmp_path))
    _check_target(files, ["acquisition.epsilon=1.5"])
    (tmp_path / "requery.json").write_text('{"overrides": ["acquisition.epsilon=2.5"]}')
    _check_target(files, ["acquisition.epsilon=2.5"])
    with pytest.raises(RunError, match=r"epsilon=2\.5.*give --out another folder"):
        _check_target(files, ["acquisition.epsilon=1.5"])
    (tmp_path / "requery.json").write_text("[" * 100_000)
    _check_target(files, [])

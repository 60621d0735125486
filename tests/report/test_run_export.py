import json
from pathlib import Path

import pytest
from rich.console import Console
from scored_run import write_scored_run
from synthetic_runs import make_config, write_run

from raymeta.cli import main
from raymeta.report.page import print_table, write_report
from raymeta.report.run_export import export_runs, relative_names
from raymeta.runs.run_store import RunError, RunStore


def study(folder: Path) -> Path:
    for seed in (0, 1):
        full = {"full_set_run": str(folder / "study/full")}
        write_run(folder / f"study/plus/seed_{seed}", "metabox_plus", seed, report=full)
        values = make_config("x").acquisition.model_dump() | {"strategy": "random_box"}
        values["match_cost_of"] = str(folder / "study/plus")
        places = {"report": full, "shared_dir": str(folder / "shared")}
        store = write_run(folder / f"study/random/seed_{seed}", "random_box", seed, acquisition=values, **places)
        matched = {"run": str(folder / f"study/plus/seed_{seed}"), "strategy": "metabox_plus", "reached": True}
        iteration = store.iteration(0)
        iteration.write_json("score.json", {"matched": matched})
        iteration.commit("score", ["images.parquet", "query.parquet", "score.json"])
        iteration.commit("annotate", ["annotation.parquet"])
        iteration.commit("summary", ["summary.json"])
    write_run(folder / "study/full", "full_set", iterations=1, final=1.2)
    return folder / "study"


def printed(location: Path) -> str:
    console = Console(width=160, record=True)
    print_table([str(location)], console)
    return console.export_text()


def test_a_report_from_exported_tables_says_the_same(tmp_path: Path) -> None:
    source = study(tmp_path)
    exported = export_runs([str(source)], str(tmp_path / "out"))
    names = ["full", "plus/seed_0", "plus/seed_1", "random/seed_0", "random/seed_1"]
    assert [run.name for run in exported] == names
    assert printed(tmp_path / "out") == printed(source)
    before = Path(write_report([str(source)], tmp_path / "a")).parent
    after = Path(write_report([str(tmp_path / "out")], tmp_path / "b")).parent
    for name in ("cost_at_target.csv", "equal_cost.csv", "paired_tests.csv", "table_1.tex", "class_iou.csv"):
        assert (after / name).read_bytes() == (before / name).read_bytes()


def test_nothing_large_and_no_path_is_exported(tmp_path: Path) -> None:
    export_runs([str(study(tmp_path))], str(tmp_path / "out"))
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert not [path for path in files if path.suffix in (".pt", ".bin")]
    assert not [path for path in files if str(tmp_path).encode() in path.read_bytes()]
    config = RunStore(str(tmp_path / "out/random/seed_1")).load_config()
    assert config.run_dir == "random/seed_1"
    told = RunStore(str(tmp_path / "out/random/seed_1")).iteration(0).read_json("score.json")
    assert told["matched"] == {"run": "plus/seed_1", "strategy": "metabox_plus", "reached": True}
    assert config.acquisition.match_cost_of == "plus"
    assert config.report.full_set_run == "full"
    assert config.dataset.root == "camvid"


def test_exported_files_keep_their_checksums_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    export_runs([str(study(tmp_path))], str(tmp_path / "out"))
    folder = RunStore(str(tmp_path / "out/plus/seed_0")).iteration(2)
    assert folder.committed_stages() == ["train", "fit", "score", "annotate", "summary"]
    (tmp_path / "out/plus/seed_0/iterations/002/summary.json").write_text("{}")
    with pytest.raises(RunError, match="damaged"):
        folder.read_json("summary.json")


def test_class_names_travel_with_the_tables(tmp_path: Path) -> None:
    store = write_scored_run(tmp_path)
    export_runs([store.location], str(tmp_path / "out"))
    names = RunStore(str(tmp_path / "out/run")).class_names()
    assert names is not None
    assert "road" in names


def test_a_second_export_does_not_overwrite_the_first(tmp_path: Path) -> None:
    source = study(tmp_path)
    export_runs([str(source)], str(tmp_path / "out"))
    with pytest.raises(RunError, match="holds a run already"):
        export_runs([str(source)], str(tmp_path / "out"))


def test_exports_into_one_folder_add_up(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / name, "random_box", seed) for seed, name in enumerate(("a", "b"))]
    for run in runs:
        export_runs([run.location], str(tmp_path / "out"))
    told = json.loads((tmp_path / "out/export.json").read_text())
    assert {name: origin["seed"] for name, origin in told.items()} == {"a": 0, "b": 1}


def test_a_damaged_run_leaves_no_half_export(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", "random_box")
    (tmp_path / "run/iterations/003/query.parquet").write_bytes(b"PAR1")
    with pytest.raises(RunError, match=r"003/query\.parquet"):
        export_runs([run.location], str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_names_tell_runs_apart(tmp_path: Path) -> None:
    assert relative_names(["/a/b/c"]) == ["c"]
    assert relative_names(["/a/b/c", "/a/d/c"]) == ["b/c", "d/c"]
    assert relative_names(["/a/b", "/a/b/c"]) == ["b", "b/c"]


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = study(tmp_path)
    assert main(["export", str(source), str(tmp_path / "out")]) == 0
    assert "5 runs in" in capsys.readouterr().out
    assert main(["export", str(tmp_path / "none"), str(tmp_path / "out")]) == 2
    assert "holds no run" in capsys.readouterr().err

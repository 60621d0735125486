import csv
import re
from pathlib import Path

import pytest
from rich.console import Console
from synthetic_runs import make_config, write_run

from raymeta.experiment.report import print_table, summary_table, write_report
from raymeta.experiment.run_store import RunError, RunStore


def _three_strategies(tmp_path: Path) -> list[str]:
    stores = [write_run(tmp_path / f"{name}_{s}", name, s) for name in ("metabox_plus", "random_box") for s in (0, 1)]
    stores.append(write_run(tmp_path / "full", "full_set", iterations=1, final=1.2))  # first iteration: 0.45 of it
    return [store.location for store in stores]


def test_report_is_self_contained_and_complete(tmp_path: Path) -> None:
    path = Path(write_report(_three_strategies(tmp_path)))
    assert path == tmp_path / "metabox_plus_0" / "report" / "report.html"
    page = path.read_text()
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:|#)""", page)
    assert "@import" not in page
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert "/nowhere/camvid is not there" in page
    names = {"miou_over_cost_a.png", "class_iou.png", "summary.csv", "class_iou.csv", "cost_at_target.csv"}
    assert names <= {file.name for file in path.parent.iterdir()}


def test_cost_at_target_table(tmp_path: Path) -> None:
    path = Path(write_report(_three_strategies(tmp_path), tmp_path / "out"))
    rows = list(csv.DictReader((path.parent / "cost_at_target.csv").open()))
    assert {row["strategy"] for row in rows} == {"metabox_plus", "random_box"}
    assert all(float(row["value"]) >= float(row["seed_mean"]) - 1 for row in rows)
    assert "First figure" in path.read_text()


def test_without_full_set_the_report_says_that_there_is_no_target(tmp_path: Path) -> None:
    store = write_run(tmp_path / "run", "random_box")
    assert "No target" in Path(write_report([store.location])).read_text()


def test_full_set_named_by_the_config(tmp_path: Path) -> None:
    write_run(tmp_path / "full", "full_set", iterations=1, final=1.0)
    named = {"full_set_run": str(tmp_path / "full")}
    store = write_run(tmp_path / "run", "random_box", report=named)
    assert "First figure" in Path(write_report([store.location])).read_text()


def test_target_that_is_not_reached(tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path / "run", "random_box"),
        write_run(tmp_path / "full", "full_set", iterations=1, final=2.0),
    ]
    assert "not reached" in Path(write_report([run.location for run in runs])).read_text()


def test_full_set_alone(tmp_path: Path) -> None:
    run = write_run(tmp_path / "full", "full_set", iterations=1)
    assert "The full set alone" in Path(write_report([run.location])).read_text()


def test_run_without_finished_iteration(tmp_path: Path) -> None:
    store = RunStore(str(tmp_path / "run"))
    store.create(make_config(tmp_path / "run"))
    assert "no finished iteration yet" in Path(write_report([store.location])).read_text()


def test_damaged_summary_is_left_out_and_named(tmp_path: Path) -> None:
    store = write_run(tmp_path / "run", "random_box")
    damaged = tmp_path / "run" / "iterations" / "002" / "summary.json"
    damaged.write_bytes(damaged.read_bytes()[:-9])
    assert [row["iteration"] for row in summary_table([store.location])] == [0, 1, 3, 4]
    assert str(damaged) in Path(write_report([store.location])).read_text()


def test_configs_of_one_strategy_are_told_apart(tmp_path: Path) -> None:
    acquisition = make_config("x").acquisition.model_dump() | {"clicks_priority": "paper"}
    runs = [
        write_run(tmp_path / "a", "metabox_plus"),
        write_run(tmp_path / "b", "metabox_plus", acquisition=acquisition),
    ]
    page = Path(write_report([run.location for run in runs])).read_text()
    assert "metabox_plus (clicks_priority paper)" in page
    assert "metabox_plus (clicks_priority normalized)" in page


def test_runs_on_other_data_are_pointed_out(tmp_path: Path) -> None:
    resized = {"kind": "camvid", "root": "/nowhere/camvid", "height": 120, "width": 160}
    runs = [write_run(tmp_path / "a", "random_box"), write_run(tmp_path / "b", "metabox", dataset=resized)]
    assert "the runs differ in dataset.height" in Path(write_report([run.location for run in runs])).read_text()


def test_printed_table(tmp_path: Path) -> None:
    console = Console(width=120, record=True)
    print_table([write_run(tmp_path / "run", "metabox_plus", iterations=2).location], console)
    text = console.export_text()
    assert "cost_A" in text
    assert "0.530" in text  # R² of iteration 1


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no run"):
        write_report([str(tmp_path / "nothing")])
    with pytest.raises(RunError, match="no run given"):
        write_report([])

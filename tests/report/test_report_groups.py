"""Which runs a report compares with which: networks, repetitions, matched baselines."""

import csv
from pathlib import Path

import pytest
from synthetic_runs import make_config, write_run

from raymeta.report.page import summary_table, write_report
from raymeta.runs.run_store import RunError

CJK = "自動車道"


def test_networks_have_their_own_targets_and_tables(tmp_path: Path) -> None:
    stores = []
    for width, final in ((0.25, 0.56), (0.5, 0.8)):
        network = {"width_multiplier": width}
        stores.append(write_run(tmp_path / f"a{width}", "metabox", final=final, network=network))
        stores.append(write_run(tmp_path / f"f{width}", "full_set", iterations=1, final=2 * final, network=network))
    folder = Path(write_report([store.location for store in stores], tmp_path / "out")).parent
    rows = list(csv.DictReader((folder / "cost_at_target.csv").open()))
    assert {row["setting"] for row in rows} == {"width_multiplier 0.25", "width_multiplier 0.5"}
    assert {row["strategy"] for row in rows} == {"metabox"}
    text = (folder / "table_1.tex").read_text()
    assert r"\emph{width\_multiplier 0.5}" in text
    assert (folder / "miou_over_cost_a_width_multiplier_0_5.png").exists()


def test_full_set_of_another_network_is_no_target(tmp_path: Path) -> None:
    write_run(tmp_path / "full", "full_set", iterations=1, network={"width_multiplier": 0.5})
    store = write_run(tmp_path / "run", "random_box", report={"full_set_run": str(tmp_path / "full")})
    page = Path(write_report([store.location])).read_text()
    assert "has another data set or network" in page
    assert "Cost at target</dt><dd>no full_set run" in page


def test_a_folder_of_repetitions_is_expanded(tmp_path: Path) -> None:
    for seed in (0, 2, 10):
        write_run(tmp_path / f"study/plus/seed_{seed}", "metabox_plus", seed, iterations=2)
    rows = summary_table([str(tmp_path / "study")])
    assert [row["seed"] for row in rows] == [0, 0, 2, 2, 10, 10]
    path = Path(write_report([str(tmp_path / "study")]))
    assert path == tmp_path / "study/report/report.html"
    with pytest.raises(RunError, match="nor do its folders"):
        summary_table([str(tmp_path / "nothing")])


def test_the_matched_baseline_is_grouped_and_compared_with_its_own(tmp_path: Path) -> None:
    stores = []
    for seed in (0, 1):
        stores.append(write_run(tmp_path / f"plus_{seed}", "metabox_plus", seed))
        stores.append(write_run(tmp_path / f"random_{seed}", "random_box", seed))
        values = make_config("x").acquisition.model_dump() | {"strategy": "random_box"}
        values |= {"match_cost_of": str(tmp_path / f"plus_{seed}")}
        store = write_run(tmp_path / f"matched_{seed}", "random_box", seed, acquisition=values)
        folder = store.iteration(1)
        folder.write_json("score.json", {"matched": {"strategy": "metabox_plus", "reached": seed == 0}})
        folder.commit("score", ["images.parquet", "query.parquet", "score.json"])
        folder.commit("annotate", ["annotation.parquet"])
        folder.commit("summary", ["summary.json"])
        stores.append(store)
    folder = Path(write_report([store.location for store in stores], tmp_path / "out")).parent
    rows = list(csv.DictReader((folder / "equal_cost.csv").open()))
    matched = "random_box (cost of metabox_plus)"
    assert {row["strategy"]: row["baseline"] for row in rows} == {
        "metabox_plus": matched,
        matched: "random_box",
        "random_box": "",
    }
    page = (folder / "report.html").read_text()
    assert "matched_1: too few candidates to reach the matched cost in iterations [1]" in page
    assert "matched_0: too few" not in page

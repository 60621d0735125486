import csv
import re
from pathlib import Path

import pytest
from rich.console import Console
from synthetic_runs import make_config, write_run

from raymeta.report.page import print_table, summary_table, write_report
from raymeta.report.run_results import group_runs, load_run
from raymeta.runs.run_store import RunError, RunStore


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
    names |= {"miou_over_cost_b.png", "class_iou_over_cost_a.png", "r2_over_iterations.png"}
    names |= {"table_1.tex", "equal_cost.csv", "paired_tests.csv", "clicks.csv"}
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


def test_many_settings_make_short_labels_that_differ(tmp_path: Path) -> None:
    def values(rate: float, power: float) -> dict[str, object]:
        told = {"learning_rate": rate, "beta1": 0.5, "beta2": 0.7, "poly_power": power, "patience": 3, "max_epochs": 7}
        return make_config("x").training.model_dump() | told

    runs = [
        write_run(tmp_path / "a", "metabox"),
        write_run(tmp_path / "b", "metabox", training=values(0.1, 0.3)),
        write_run(tmp_path / "c", "metabox", training=values(0.1, 0.4)),
    ]
    labels = sorted(group.label for group in group_runs([load_run(run.location) for run in runs]))
    assert len(set(labels)) == 3
    assert max(map(len, labels)) < 80
    assert any(label.endswith("3 more) #2") for label in labels)


def test_what_one_seed_lacks_is_left_out_of_the_mean(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / f"seed_{seed}", "random_box", seed) for seed in (0, 1)]
    whole = group_runs([load_run(run.location) for run in runs])[0]
    (tmp_path / "seed_1/iterations/000/summary.json").write_bytes(b"{")
    group = group_runs([load_run(run.location) for run in runs])[0]
    assert whole.mean("iteration").tolist() == [0, 1, 2, 3, 4]
    assert group.mean("iteration").tolist() == [1, 2, 3, 4]
    assert group.mean("miou").tolist() == whole.mean("miou").tolist()[1:]


def test_a_run_that_is_named_twice_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_run(tmp_path / "run", "random_box")
    (tmp_path / "link").symlink_to(tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    spellings = [run.location, f"{run.location}/", "run", "./run/", "link", (tmp_path / "run").as_uri()]
    assert len(summary_table(spellings)) == 5


def test_a_damaged_learning_curve_costs_no_iteration(tmp_path: Path) -> None:
    store = write_run(tmp_path / "run", "random_box")
    (tmp_path / "run/iterations/001/training.parquet").write_bytes(b"PAR1")
    assert [row["iteration"] for row in summary_table([store.location])] == [0, 1, 2, 3, 4]
    assert "001/training.parquet" in Path(write_report([store.location])).read_text()


def test_configs_of_one_strategy_are_told_apart(tmp_path: Path) -> None:
    acquisition = make_config("x").acquisition.model_dump() | {"clicks_priority": "paper"}
    runs = [
        write_run(tmp_path / "a", "metabox_plus"),
        write_run(tmp_path / "b", "metabox_plus", acquisition=acquisition),
    ]
    page = Path(write_report([run.location for run in runs])).read_text()
    assert "metabox_plus (clicks_priority paper)" in page
    assert "metabox_plus (clicks_priority normalized)" in page
    told_apart = {"metabox_plus (clicks_priority paper)", "metabox_plus (clicks_priority normalized)"}
    assert {row["strategy"] for row in summary_table([run.location for run in runs])} == told_apart
    classes = (tmp_path / "a/report/class_iou.csv").read_text().splitlines()[1:]
    assert {line.partition(",")[0] for line in classes} == told_apart


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


def test_equal_cost_and_paired_tests(tmp_path: Path) -> None:
    folder = Path(write_report(_three_strategies(tmp_path), tmp_path / "out")).parent
    rows = list(csv.DictReader((folder / "equal_cost.csv").open()))
    plus = [row for row in rows if row["strategy"] == "metabox_plus"]
    assert {row["baseline"] for row in plus} == {"random_box"}
    assert {row["p"] for row in plus} <= {"0.5", "1.0"}  # two seeds can't do better
    costs = [float(row["cost_A"]) for row in plus]
    assert (costs[0], costs[-1]) == (pytest.approx(3.8), pytest.approx(26.0))  # 2 + 0.3 + M, and 2 + 6·4 without M
    tests = list(csv.DictReader((folder / "paired_tests.csv").open()))
    assert [(t["measure"], t["first"], t["second"], t["pairs"]) for t in tests] == [
        ("mean_miou", "metabox_plus", "random_box", "2"),
        ("cost_a_at_target", "metabox_plus", "random_box", "2"),
    ]


def test_summary_csv_holds_one_number_a_column(tmp_path: Path) -> None:
    folder = Path(write_report(_three_strategies(tmp_path), tmp_path / "out")).parent
    rows = list(csv.DictReader((folder / "summary.csv").open()))
    assert {"clicks_pool_polygon", "clicks_pool_class", "clicks_query_boxes", "seconds_train"} <= set(rows[0])
    assert not any("{" in value or "[" in value for row in rows for value in row.values())
    asked = next(row for row in rows if row["strategy"] == "random_box" and row["iteration"] == "3")
    assert (asked["clicks_pool_polygon"], asked["clicks_query_polygon"], asked["clicks_query_boxes"]) == (
        "9000",
        "360",
        "6",
    )


def test_latex_table(tmp_path: Path) -> None:
    folder = Path(write_report(_three_strategies(tmp_path), tmp_path / "out")).parent
    text = (folder / "table_1.tex").read_text()
    assert r"metabox\_plus & " in text
    assert text.count(r"\textbf{") == 3
    assert text.count(r"\begin") == text.count(r"\end") == 1
    assert text.count(" & ") == 3 * 4  # head and two strategies


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
    assert "No target" in page


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

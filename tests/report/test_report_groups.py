"""Which runs a report compares with which: networks, repetitions, matched baselines."""

import csv
from pathlib import Path

import pytest
from synthetic_runs import make_config, write_run

from raymeta.report.page import summary_table, write_report
from raymeta.report.run_results import group_runs, load_run
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


def test_many_settings_make_short_labels_that_differ(tmp_path: Path) -> None:
    def values(rate: float, power: float) -> dict[str, object]:
        told = {"learning_rate": rate, "beta1": 0.5, "beta2": 0.7, "poly_power": power, "patience": 3, "max_epochs": 7}
        return make_config("x").training.model_dump() | told

    settings = {"a": {}, "b": {"training": values(0.1, 0.3)}, "c": {"training": values(0.1, 0.4)}}
    runs = [
        write_run(tmp_path / f"{name}{seed}", "metabox", seed, iterations=1, **training)
        for name, training in settings.items()
        for seed in (0, 1)  # folders that differ by seed name no group
    ]
    labels = sorted(group.label for group in group_runs([load_run(run.location) for run in runs]))
    assert len(set(labels)) == 3
    assert max(map(len, labels)) < 80
    assert any(label.endswith("3 more) #2") for label in labels)


def test_groups_are_called_by_as_many_folders_as_tell_them_apart(tmp_path: Path) -> None:
    epsilons = {"one/plus/seed_0": 1.0, "two/plus/seed_0": 2.0, "two/random/seed_0": 2.0}
    runs = []
    for place, epsilon in epsilons.items():
        acquisition = make_config("x").acquisition.model_dump() | {"epsilon": epsilon}
        acquisition["strategy"] = "random_box" if "random" in place else "metabox_plus"
        runs.append(write_run(tmp_path / place, acquisition["strategy"], iterations=1, acquisition=acquisition))
    groups = group_runs([load_run(run.location) for run in runs])
    assert [g.label for g in groups] == ["one/plus (metabox_plus)", "random_box", "two/plus (metabox_plus)"]


def test_what_one_seed_lacks_is_left_out_of_the_mean(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / f"seed_{seed}", "random_box", seed) for seed in (0, 1)]
    whole = group_runs([load_run(run.location) for run in runs])[0]
    (tmp_path / "seed_1/iterations/000/summary.json").write_bytes(b"{")
    group = group_runs([load_run(run.location) for run in runs])[0]
    assert whole.mean("iteration").tolist() == [0, 1, 2, 3, 4]
    assert group.mean("iteration").tolist() == [1, 2, 3, 4]
    assert group.mean("miou").tolist() == whole.mean("miou").tolist()[1:]


def test_configs_of_one_strategy_are_told_apart(tmp_path: Path) -> None:
    acquisition = make_config("x").acquisition.model_dump() | {"clicks_priority": "paper"}
    runs = [
        write_run(tmp_path / "a", "metabox_plus"),
        write_run(tmp_path / "b", "metabox_plus", acquisition=acquisition),
    ]
    page = Path(write_report([run.location for run in runs])).read_text()
    told_apart = {"a (metabox_plus)", "b (metabox_plus)"}  # by the folders that people named
    assert all(label in page for label in told_apart)
    assert {row["strategy"] for row in summary_table([run.location for run in runs])} == told_apart
    classes = (tmp_path / "a/report/class_iou.csv").read_text().splitlines()[1:]
    assert {line.partition(",")[0] for line in classes} == told_apart


def test_runs_on_other_data_are_pointed_out(tmp_path: Path) -> None:
    resized = {"kind": "camvid", "root": "/nowhere/camvid", "height": 120, "width": 160}
    runs = [write_run(tmp_path / "a", "random_box"), write_run(tmp_path / "b", "metabox", dataset=resized)]
    assert "each setting has its own part: height 120" in Path(write_report([run.location for run in runs])).read_text()

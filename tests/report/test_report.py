import csv
import re
from pathlib import Path

import pyarrow as pa
import pytest
from rich.console import Console
from synthetic_runs import make_config, write_run

from raymeta.annotation.costs import Cost
from raymeta.report.comparison import compare
from raymeta.report.figures import curves
from raymeta.report.page import print_table, report_title, summary_table, write_report
from raymeta.report.run_results import RunResults, group_runs, load_run
from raymeta.runs.records import OracleRecord, SummaryRecord
from raymeta.runs.run_store import RunError, RunStore
from raymeta.schemas import ANNOTATION_SCHEMA, QUERY_SCHEMA

pytestmark = pytest.mark.slow

CJK = "自動車道"


@pytest.fixture(scope="module")
def page_of_five(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """report.html of two strategies with two seeds each, and the full set; its data set has names of many kinds."""
    folder = tmp_path_factory.mktemp("five")
    stores = [
        write_run(folder / f"{name}_{seed}", name, seed, validation=9)
        for name in ("metabox_plus", "random_box")
        for seed in (0, 1)
    ]
    stores.append(write_run(folder / "full", "full_set", iterations=1, final=1.2, validation=9))  # 0.45 of it
    for store in stores:
        store.write_class_names(
            ["$x^$", "cost ($) or price ($)", "b_c <i>", CJK, *(f"class {i}" for i in range(4, 11))]
        )
        _write_boxes(store)
    return Path(write_report([store.location for store in stores], folder / "out"))


def _write_boxes(store: RunStore) -> None:
    """Estimates and true clicks of five boxes in the first iteration."""
    columns = {"image_id": ["a"] * 5, "top": [*range(0, 20, 4)], "left": [0] * 5, "width": [4] * 5}
    shared = columns | {"rank": [*range(1, 6)]}
    query = shared | {"score": [1.0] * 5, "estimated_clicks": [0, 0, 1, 2, 3], "unlabelled_pixels": [16] * 5}
    clicks = {"polygon_clicks": [2, 4, 5, 6, 9], "intersection_clicks": [2] * 5, "box_clicks": [4] * 5}
    annotation = shared | clicks | {"class_clicks": [1] * 5}
    folder = store.iteration(0)
    folder.write_table("query.parquet", pa.table(query, schema=QUERY_SCHEMA))
    folder.write_table("annotation.parquet", pa.table(annotation, schema=ANNOTATION_SCHEMA))
    folder.commit("score", ["images.parquet", "query.parquet"])
    folder.commit("annotate", ["annotation.parquet"])
    folder.commit("summary", ["summary.json"])


def headings(page: str) -> list[str]:
    return re.findall(r"<h[123][^>]*>([^<]+)</h", page)


def test_report_is_self_contained_and_complete(page_of_five: Path) -> None:
    page = page_of_five.read_text()
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:|#)""", page)
    assert "@import" not in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert 'name="viewport"' in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    names = {"miou_over_cost_a.png", "class_iou.png", "summary.csv", "class_iou.csv", "cost_at_target.csv"}
    names |= {"miou_over_cost_b.png", "class_iou_over_cost_a.png", "r2_over_iterations.png"}
    names |= {"table_1.tex", "equal_cost.csv", "paired_tests.csv", "clicks.csv", "learning_curves.csv"}
    assert names <= {file.name for file in page_of_five.parent.iterdir()}


def test_the_page_tells_the_result_first_and_then_where_it_comes_from(page_of_five: Path) -> None:
    page = page_of_five.read_text()
    assert headings(page)[1:] == [
        "Result",
        "Data and runs",
        "mIoU",
        "Cost at target",
        "At equal cost",
        "Estimated and true clicks",
        "What the next clicks would bring",
        "IoU of each class",
        "Costs",
        "Learning curves",
        "Iterations",
        "Not shown",
        "Runs",
        "Words",
    ]
    assert "95 % interval of the saving" in page
    assert "n = 2 seeds" in page
    assert "camvid (11 classes, 4 pool images, 9 validation images)" in page
    assert "the same 9 validation images on which it is reported" in page
    assert "What the strategy sees</dt>" in page  # needs the data set, which is not there
    for word in ("cost_A", "cost_B", "cost_P", "R²", "joint score", "meta set, M"):
        assert f"<dt>{word}</dt>" in page


def test_estimates_of_zero_stand_beside_what_the_boxes_cost(page_of_five: Path) -> None:
    rows = list(csv.DictReader((page_of_five.parent / "clicks.csv").open()))
    assert {row["zero_share"] for row in rows} == {"0.4"}
    assert {row["true_at_zero"] for row in rows} == {"3.0"}
    assert "<td>40 %</td><td>3.0</td>" in page_of_five.read_text()


def test_names_are_drawn_as_they_are(page_of_five: Path) -> None:
    page = page_of_five.read_text()
    assert page.count("$x^$") >= 2  # the classes' table and their curves
    assert "cost ($) or price ($)" in page
    assert CJK in page
    assert "b_c &lt;i&gt;" in page


def test_cost_at_target_table(page_of_five: Path) -> None:
    rows = list(csv.DictReader((page_of_five.parent / "cost_at_target.csv").open()))
    assert {row["strategy"] for row in rows} == {"metabox_plus", "random_box"}
    assert all(float(row["value"]) >= float(row["seed_mean"]) - 1 for row in rows)
    assert "First figure" in page_of_five.read_text()


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
    assert "No strategy reaches it" in Path(write_report([run.location for run in runs])).read_text()


def test_full_set_alone(tmp_path: Path) -> None:
    run = write_run(tmp_path / "full", "full_set", iterations=1)
    assert "Only the full set was trained" in Path(write_report([run.location])).read_text()


def test_run_without_finished_iteration(tmp_path: Path) -> None:
    store = RunStore(str(tmp_path / "run"))
    store.create(make_config(tmp_path / "run"))
    assert "no finished iteration yet" in Path(write_report([store.location])).read_text()


def test_damaged_files_are_named_and_so_is_that_there_is_no_target(tmp_path: Path) -> None:
    """An iteration without its summary is left out; one without its learning curve is not."""
    store = write_run(tmp_path / "run", "random_box")
    damaged = tmp_path / "run" / "iterations" / "002" / "summary.json"
    damaged.write_bytes(damaged.read_bytes()[:-9])
    (tmp_path / "run/iterations/001/training.parquet").write_bytes(b"PAR1")
    assert [row["iteration"] for row in summary_table([store.location])] == [0, 1, 3, 4]
    page = Path(write_report([store.location])).read_text()
    assert str(damaged) in page
    assert "001/training.parquet" in page
    assert "Cost at target</dt><dd>no full_set run" in page


def test_a_run_that_is_named_twice_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_run(tmp_path / "run", "random_box")
    (tmp_path / "link").symlink_to(tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    spellings = [run.location, f"{run.location}/", "run", "./run/", "link", (tmp_path / "run").as_uri()]
    assert len(summary_table(spellings)) == 5


@pytest.mark.parametrize("classes", [11, 3])
def test_data_sets_are_told_apart_and_never_averaged(tmp_path: Path, classes: int) -> None:
    """Two data sets of one layout, with other classes or only with other images."""
    runs = [
        load_run(write_run(tmp_path / "a", "random_box", iterations=1, validation=9).location),
        load_run(write_run(tmp_path / "b", "random_box", 1, iterations=1, validation=8, classes=classes).location),
        load_run(write_run(tmp_path / "c", "metabox", iterations=1, validation=9).location),
    ]
    comparisons, notes = compare(runs)
    groups = {len(comparison.groups): comparison.label for comparison in comparisons}
    assert sorted(groups) == [1, 2]
    assert "8 validation images" in groups[1]
    assert any("each setting has its own part" in note for note in notes)


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


def test_equal_cost_and_paired_tests(page_of_five: Path) -> None:
    folder = page_of_five.parent
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


def test_summary_csv_holds_one_number_a_column(page_of_five: Path) -> None:
    folder = page_of_five.parent
    rows = list(csv.DictReader((folder / "summary.csv").open()))
    assert {"clicks_pool_polygon", "clicks_pool_class", "clicks_query_boxes", "seconds_train"} <= set(rows[0])
    assert not any("{" in value or "[" in value for row in rows for value in row.values())
    asked = next(row for row in rows if row["strategy"] == "random_box" and row["iteration"] == "3")
    assert (asked["clicks_pool_polygon"], asked["clicks_query_polygon"], asked["clicks_query_boxes"]) == (
        "9000",
        "360",
        "6",
    )


def test_latex_table(page_of_five: Path) -> None:
    folder = page_of_five.parent
    text = (folder / "table_1.tex").read_text()
    assert r"metabox\_plus & " in text
    assert text.count(r"\textbf{") == 3
    assert text.count(r"\begin") == text.count(r"\end") == 1
    assert text.count(" & ") == 3 * 4  # head and two strategies


@pytest.mark.parametrize(
    ("locations", "title"),
    [
        (["/data/runs/mine"], "mine"),
        (["/data/runs/a", "/data/runs/b"], "a, b"),
        (["/data/study/metabox/seed_0", "/data/study/random_box/seed_0"], "study"),
        (["/data/mine/seed_0", "/data/mine/seed_1"], "mine"),
        (["/data/mine/seed_0"], "seed_0"),
        (["s3://bucket/study/a/seed_0?region=x", "s3://bucket/study/b/seed_0?region=x"], "study"),
        (["/seed_0", "/seed_1"], "seed_0, seed_1"),
    ],
)
def test_a_report_is_called_by_the_folder_that_tells_most(locations: list[str], title: str) -> None:
    assert report_title(locations) == title


def test_the_report_of_a_points_run_says_points(tmp_path: Path) -> None:
    values = {"box_width": 4, "query_size": 2, "initial_images": 1, "meta_images": 1}
    acquisition = {"strategy": "metabox", "unit": "point", **values}
    store = write_run(tmp_path / "points", "metabox", acquisition=acquisition)
    page = Path(write_report([store.location], tmp_path / "out")).read_text()
    assert "points an iteration, each in the middle of a box of 4×4 pixels" in page
    assert "<th>points</th>" in page
    assert "<th>boxes</th>" not in page
    assert "a point costs one click" in page


def test_the_report_of_a_segments_run_says_segments_and_what_was_said_of_them(tmp_path: Path) -> None:
    values = {"box_width": 4, "query_size": 2, "initial_images": 1, "meta_images": 1}
    acquisition = {"strategy": "metabox", "unit": "segment", **values}
    store = write_run(tmp_path / "segments", "metabox", acquisition=acquisition)
    for index, origins in ((0, {"confirmed": 5, "point": 1}), (1, {"confirmed": 1, "fixed": 3})):
        OracleRecord(origins=origins).write(store.iteration(index))
        store.iteration(index).commit("annotate", ["annotation.parquet", "oracle.json"])
        store.iteration(index).commit("summary", ["summary.json"])
    page = Path(write_report([store.location], tmp_path / "out")).read_text()
    assert "segments an iteration, each in a tile of 4×4 pixels" in page
    assert "60 % confirmed, 30 % given another class, 10 % mixed and named at a point" in page
    assert "<th>segments</th>" in page
    assert "a segment costs one click" in page


def test_pictures_are_there_when_the_page_is_printed(page_of_five: Path) -> None:
    """The page carries them: a picture that is loaded when it is looked at is missing on paper."""
    assert 'loading="lazy"' not in page_of_five.read_text()


def test_the_last_marker_is_inside_its_axes() -> None:
    """Points cost next to nothing: all markers lie at the right end."""
    summaries = tuple(
        SummaryRecord(iteration=i, miou=0.1 * i, costs={"cost_a": Cost(28.8 + 0.01 * i, 1.0)}) for i in range(2)
    )
    run = RunResults(RunStore("/nowhere"), make_config("/nowhere", "metabox", 0), summaries)
    axes = curves(group_runs([run]), None, over="cost_a").axes[0]
    assert axes.get_xlim()[1] > 28.9


def test_a_chart_of_one_point_is_not_drawn_and_the_reason_is_told(tmp_path: Path) -> None:
    """One seed, one iteration: curves, R² and costs over iterations would each be a single marker."""
    store = write_run(tmp_path / "one", "metabox_plus", 0, iterations=1)
    page = Path(write_report([store.location], tmp_path / "out"))
    text = page.read_text()
    drawn = set(re.findall(r'aria-label="([^"]+)"', text))
    assert not any("over" in name for name in drawn), drawn
    assert not list(page.parent.glob("*_over_*.png"))
    left = headings(text)
    assert "mIoU" not in left
    assert "Costs" not in left
    missing = text[text.index("<h2>Not shown") :]
    for name in ("Curves over cost and iterations", "R² of the meta regressor", "At equal cost"):
        assert f"<dt>{name}</dt>" in missing

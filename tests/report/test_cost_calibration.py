"""The report's account of predicted costs, and of what the next clicks would bring."""

import csv
import io
from pathlib import Path

import pytest
from synthetic_runs import write_run

from raymeta.report.comparison import compare
from raymeta.report.cost_calibration import calibration_csv, calibration_rows
from raymeta.report.page import write_report
from raymeta.report.run_results import load_run
from raymeta.runs.records import CostAgreement, CostFit, FitRecord, OracleRecord, SummaryRecord
from raymeta.runs.run_status import run_status


def told(ratio, pearson):
    return {"boxes": 10.0, "ratio": ratio, "pearson": pearson, "spearman": None}


@pytest.fixture
def runs(tmp_path):
    """Two seeds of three iterations; in the last two the costs of the query were predicted."""
    for seed in range(2):
        store = write_run(tmp_path / f"seed_{seed}", "entropy_box_plus", seed, iterations=3)
        for index in (1, 2):
            folder = store.iteration(index)
            kept = {name: folder.read_table(f"{name}.parquet") for name in ("images", "query", "annotation")}
            summary = SummaryRecord.read(folder)
            fit = CostFit(tiles=9, answered_boxes=0, unselected=CostAgreement(learned=told(1.0, 0.8), estimated=None))
            FitRecord(cost_regressor=fit).write(folder)
            folder.commit("fit", ["fit.json"])
            for name, table in kept.items():
                folder.write_table(f"{name}.parquet", table)
            folder.commit("score", ["images.parquet", "query.parquet"])
            asked = CostAgreement(learned=told(0.2 * index + 0.1 * seed, 0.5), estimated=told(2.0, None))
            OracleRecord(cost_agreement=asked).write(folder)
            folder.commit("annotate", ["annotation.parquet", "oracle.json"])
            summary.write(folder)
            folder.commit("summary", ["summary.json"])
    return [load_run(str(tmp_path / f"seed_{seed}")) for seed in range(2)]


def test_means_over_seeds_and_iterations(runs):
    rows = {(row.kind, row.predictor): row for row in calibration_rows(compare(runs)[0][0])}
    assert set(rows) == {("not selected", "learned"), ("selected", "learned"), ("selected", "estimated")}
    selected = rows["selected", "learned"]
    assert (selected.times, selected.boxes, selected.spearman) == (4, 10.0, None)
    assert selected.ratio == pytest.approx((0.2 + 0.4 + 0.3 + 0.5) / 4)
    assert rows["selected", "estimated"].pearson is None


def test_every_value_stands_in_the_csv(runs):
    found = list(csv.DictReader(io.StringIO(calibration_csv(runs).decode())))
    assert len(found) == 2 * 2 * 3
    one = next(row for row in found if (row["seed"], row["iteration"], row["selected"]) == ("1", "2", "selected"))
    assert (one["predictor"], float(one["ratio"]), one["spearman"]) == ("learned", 0.5, "")


def test_the_page_tells_of_both(runs, tmp_path):
    page = Path(write_report([run.store.location for run in runs], tmp_path / "report")).read_text()
    assert "Predicted costs of boxes" in page
    assert "What the next clicks would bring" in page
    assert (tmp_path / "report/cost_calibration.csv").exists()


def test_runs_without_a_cost_regressor_have_no_such_part(tmp_path):
    run = load_run(write_run(tmp_path / "run", "random_box", iterations=3).location)
    assert calibration_rows(compare([run])[0][0]) == []
    assert "Predicted costs of boxes" not in Path(write_report([run.store.location])).read_text()


def test_status_tells_what_the_next_clicks_bring_while_a_run_is_under_way(tmp_path):
    under_way = write_run(tmp_path / "run", "random_box", iterations=4)
    assert run_status(under_way.location).forecast is None  # it is finished
    config = under_way.load_config().model_copy(update={"iterations": 6})
    under_way.create(config)
    assert "the next 1000 clicks" in run_status(under_way.location).forecast

"""Records of the JSON files that an iteration's stages write; those of 0.1 are in docs/runs and in format_1_run."""

import json
from pathlib import Path

import pytest

from raymeta.annotation.cost_models import COST_A, COST_SECONDS, seconds_model
from raymeta.annotation.costs import Cost
from raymeta.runs.records import EvaluationRecord, FitRecord, OracleRecord, Record, ScoreRecord, SummaryRecord
from raymeta.runs.run_store import RunError, RunStore

REPOSITORY = Path(__file__).parents[2]
OLD_RUNS = [REPOSITORY / "docs/runs/camvid_small", REPOSITORY / "docs/runs/demo_scenes", Path(__file__).parent]
KINDS: list[type[Record]] = [SummaryRecord, EvaluationRecord, FitRecord, ScoreRecord, OracleRecord]


def summary(**values: object) -> SummaryRecord:
    return SummaryRecord.from_bytes(json.dumps({"miou": 0.5, **values}).encode(), "summary.json")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.FILE)
def test_files_of_earlier_versions_come_back_as_they_are(kind: type[Record]) -> None:
    paths = [path for folder in OLD_RUNS for path in sorted(folder.rglob(kind.FILE))]
    assert paths
    for path in paths:
        values = json.loads(path.read_bytes())
        record = kind.from_bytes(path.read_bytes(), str(path))
        written = record.model_dump(mode="json")
        assert {key: written[key] for key in values} == values, path
        if set(written) == set(values):
            assert list(written) == list(values)


def test_exported_runs_of_the_documents_are_whole() -> None:
    """A report of each can be made: its config is the one that it was begun with."""
    configs = sorted((REPOSITORY / "docs/runs").rglob("config.yaml"))
    assert len(configs) > 50
    for path in configs:
        store = RunStore(str(path.parent))
        assert store.load_config().seed == store.run_info()["seed"], path


def test_recorded_costs_are_what_the_counts_give() -> None:
    """Numbers of 0.1, priced anew by this version: the same to the last bit."""
    paths = [path for folder in OLD_RUNS for path in sorted(folder.rglob("summary.json"))]
    for path in paths:
        record = SummaryRecord.from_bytes(path.read_bytes(), str(path))
        ledger = record.clicks.ledger()
        assert ledger is not None
        assert ledger.costs() == record.costs, path


def test_a_cost_that_the_file_does_not_hold_is_priced_from_its_counts() -> None:
    clicks = {
        "pool": {"polygon": 100, "class_": 50, "pixels": 1000},
        "initial": {"polygon": 10, "class_": 5, "pixels": 100},
        "query": {"polygon": 4, "intersection": 4, "box": 4, "class_": 1, "confirm": 2},
    }
    record = summary(cost_a=12.0, clicks=clicks)
    seconds = 10 * 1.75 + 5 + 12 * 1.75 + 1 + 2
    assert record.cost(COST_SECONDS) == Cost(100 * seconds / 225, 100 * seconds / 225)
    assert record.cost(COST_A) == Cost(12.0, 12.0)
    own = record.cost(seconds_model({"polygon": 0.0}))
    assert own is not None
    assert own.value == pytest.approx(100 * (5 + 8 * 1.75 + 1 + 2) / 50)


def test_costs_lie_flat_in_the_file_and_intervals_come_back() -> None:
    record = SummaryRecord(miou=0.5, costs={"cost_a": Cost(10.0, 8.0, 7.5, 14.0), "cost_p": Cost(5.0, 4.0)})
    written = record.model_dump(mode="json")
    assert {key: value for key, value in written.items() if key.startswith("cost")} == {
        "cost_a": 10.0,
        "cost_p": 5.0,
        "cost_a_without_meta": 8.0,
        "cost_p_without_meta": 4.0,
        "cost_a_low": 7.5,
        "cost_a_high": 14.0,
    }
    assert SummaryRecord.model_validate(written) == record


def test_what_earlier_versions_lack_has_defaults_and_what_later_ones_add_is_kept() -> None:
    record = summary(wings=2)
    assert (record.query_boxes, record.r2, record.cost(COST_A)) == (0, None, None)
    assert record.model_dump()["wings"] == 2


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"miou": "high"}', b'{"miou": NaN}', b"[" * 9999])
def test_what_is_no_summary_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(RunError, match=r"here/summary\.json"):
        SummaryRecord.from_bytes(content, "here/summary.json")

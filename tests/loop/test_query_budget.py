"""Queries that cost about so much."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from synthetic_runs import make_config, write_iteration

from raymeta.acquisition.predicted_clicks import PREDICTED_CLICKS
from raymeta.annotation.cost_models import COST_A, COST_SECONDS
from raymeta.loop.query_budget import EarlierAnswers, budget_until, cut_at_cost, expected_costs
from raymeta.runs.run_store import RunStore
from raymeta.schemas import ANNOTATION_SCHEMA, QUERY_SCHEMA


@pytest.mark.parametrize(
    ("wanted", "boxes", "expected", "reached"),
    [(0.0, 1, 4.0, True), (-9.0, 1, 4.0, True), (6.0, 2, 7.0, True), (11.0, 3, 11.0, True), (99.0, 3, 11.0, False)],
)
def test_the_nearest_cut(wanted: float, boxes: int, expected: float, reached: bool) -> None:
    cut = cut_at_cost(np.array([4.0, 3.0, 4.0]), wanted)
    assert (cut.boxes, cut.expected, cut.reached) == (boxes, expected, reached)


def test_a_budget_grows_by_equal_ratios() -> None:
    assert [budget_until(iteration, 10.0, 2.0) for iteration in range(3)] == [10.0, 30.0, 70.0]
    assert budget_until(2, 10.0, 1.0) == 30.0


def test_nothing_to_cut() -> None:
    assert cut_at_cost(np.zeros(0), 5.0).boxes == 0


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    """One answered iteration: two of its three boxes, with 3 and 1 estimated clicks and 14 true ones."""
    config = make_config(tmp_path / "run", "random_box")
    store = RunStore(config.run_dir)
    store.create(config)
    write_iteration(store, config, 0, 0.5, 5.0)
    box: dict[str, Any] = {"image_id": "c", "top": 0, "left": 0, "width": 4}
    asked = [
        box | {"score": 1.0, "rank": rank, "estimated_clicks": clicks, "unlabelled_pixels": 16}
        for rank, clicks in ((1, 3), (2, 50), (3, 1))
    ]
    answers = [
        box | {"rank": rank, "polygon_clicks": p, "intersection_clicks": 1, "box_clicks": 4, "class_clicks": 2}
        for rank, p in ((1, 5), (3, 3))
    ]
    folder = store.iteration(0)
    folder.write_table("query.parquet", pa.Table.from_pylist(asked, schema=QUERY_SCHEMA))
    folder.write_table("annotation.parquet", pa.Table.from_pylist(answers, schema=ANNOTATION_SCHEMA))
    folder.commit("score", ["query.parquet"])
    folder.commit("annotate", ["annotation.parquet"])
    return store


def test_estimates_are_scaled_by_what_answers_cost(store: RunStore) -> None:
    answers = EarlierAnswers(store, 1, COST_A)
    assert answers.cost == 5 + 3 + 2 * (1 + 2)
    # 14 clicks for two boxes and four estimated clicks.
    assert answers.scaled(np.array([0.0, 3.0])) == pytest.approx([14 / 6, 4 * 14 / 6])
    assert EarlierAnswers(store, 0, COST_A).scaled(np.array([2.0])) == pytest.approx([3.0])


def test_seconds_are_priced_by_their_table(store: RunStore) -> None:
    prices = COST_SECONDS.box_prices
    expected = 8 * prices["polygon"] + 2 * prices["intersection"] + 8 * prices["box"] + 4 * prices["class_"]
    assert EarlierAnswers(store, 1, COST_SECONDS).cost == pytest.approx(expected)


def test_predicted_clicks_come_first(store: RunStore) -> None:
    rows = pa.table({"estimated_clicks": [5, 6], PREDICTED_CLICKS: [1.5, 2.5]})
    answers = EarlierAnswers(store, 1, COST_A)
    assert expected_costs(rows, answers).tolist() == [1.5, 2.5]
    assert expected_costs(rows.drop([PREDICTED_CLICKS]), answers) == pytest.approx([14.0, 7 * 14 / 6])

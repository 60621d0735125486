"""Policies that follow the order of the scores, on tables of candidates."""

import numpy as np
import pyarrow as pa
import pytest

from raymeta.acquisition.policies.query_policy import MatchTarget, QueryBudget, QueryContext
from raymeta.acquisition.policies.registry import POLICIES, query_policy, wanted_candidates
from raymeta.acquisition.policies.score_policies import MatchedCost, TopScores
from raymeta.config import AcquisitionConfig


def candidates(clicks: list[int]) -> pa.Table:
    rows = len(clicks)
    return pa.table({"score": np.arange(rows, 0, -1.0), "top": np.arange(rows), "clicks": clicks})


def context(boxes: int, match: MatchTarget | None = None) -> QueryContext:
    def true_clicks(rows: pa.Table) -> np.ndarray:
        return rows["clicks"].to_numpy()

    return QueryContext(QueryBudget(boxes), 0, 0, true_clicks, match)


def test_top_scores_takes_the_first_boxes():
    assert TopScores().choose(candidates([1, 2, 3]), context(2))["top"].to_pylist() == [0, 1]
    assert TopScores().choose(candidates([1, 2, 3]), context(9)).num_rows == 3
    assert TopScores().wanted(QueryBudget(7)) == 7


@pytest.mark.parametrize(("wanted", "boxes"), [(0, 1), (4, 1), (6, 2), (8, 2), (9, 2), (12, 3), (100, 3)])
def test_matched_cost_cuts_at_the_nearest_sum(wanted, boxes):
    # Sums 4, 7, 11: of two that are equally near, the first.
    known = context(1, MatchTarget("run", "metabox", wanted))
    assert MatchedCost().choose(candidates([4, 3, 4]), known).num_rows == boxes
    assert known.notes["matched"]["clicks_taken"] == [4, 7, 11][boxes - 1]
    assert known.notes["matched"]["reached"] == (wanted <= 11)


def test_matched_cost_without_a_run_is_refused():
    with pytest.raises(ValueError, match="match_cost_of"):
        MatchedCost().choose(candidates([1]), context(1))


def test_a_run_to_match_brings_its_policy():
    plain = AcquisitionConfig(strategy="random_box", query_size=5)
    matched = AcquisitionConfig(strategy="random_box", query_size=5, match_cost_of="there")
    assert query_policy(plain) == TopScores()
    assert query_policy(matched) == MatchedCost()
    assert (wanted_candidates(plain), wanted_candidates(matched)) == (5, 40)
    assert {"top_scores", "matched_cost"} <= set(POLICIES)

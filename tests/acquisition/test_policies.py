"""Policies that look at classes, features, images and clips, on small tables worked out by hand."""

import numpy as np
import pyarrow as pa
import pytest

from raymeta.acquisition.candidate_columns import CLASS_SHARES, FEATURE
from raymeta.acquisition.policies.image_caps import ImageCaps
from raymeta.acquisition.policies.k_centre import KCentre
from raymeta.acquisition.policies.query_policy import QueryBudget, QueryContext
from raymeta.acquisition.policies.registry import POLICIES, candidate_merge, needs_every_candidate, query_policy
from raymeta.acquisition.policies.score_policies import TopScores
from raymeta.acquisition.policies.strata import Strata
from raymeta.config import AcquisitionConfig, PolicyConfig
from raymeta.schemas import CANDIDATE_SCHEMA


def candidates(scores, images=None, **lists):
    rows = len(scores)
    columns = {
        "image_id": pa.array(images or [f"im{i}" for i in range(rows)], pa.string()),
        "score": pa.array(scores, pa.float64()),
        "top": pa.array(range(rows), pa.int32()),
        "left": pa.array([0] * rows, pa.int32()),
    }
    for name, values in lists.items():
        flat = pa.array(np.array(values, np.float16).reshape(-1), pa.float16())
        columns[name] = pa.FixedSizeListArray.from_arrays(flat, len(values[0]))
    return pa.table(columns)


def choose(policy, table, boxes):
    context = QueryContext(QueryBudget(boxes), 0, 0, lambda rows: np.zeros(rows.num_rows, np.int64))
    return policy.choose(table, context)["top"].to_pylist()


SHARES = [(1.0, 0.0), (0.75, 0.25), (1.0, 0.0), (0.0, 1.0), (1.0, 0.0)]
SCORES = [10.0, 8.0, 7.0, 4.0, 3.0]
# Class 0: 10, 6, 7, 0, 3; class 1: 0, 2, 0, 4, 0.


@pytest.mark.parametrize(
    ("share", "boxes", "expected"),
    [
        (1.0, 4, [0, 3, 2, 1]),  # class 0 takes box 0, class 1 box 3, class 0 box 2, class 1 box 1
        (0.5, 4, [0, 3, 1, 2]),  # two shared, then the best of what is left
        (0.0, 3, [0, 1, 2]),
        (1.0, 5, [0, 3, 2, 1, 4]),  # class 1 has nothing left: class 0 goes on
        (1.0, 9, [0, 3, 2, 1, 4]),
    ],
)
def test_strata_by_hand(share, boxes, expected):
    table = candidates(SCORES, **{CLASS_SHARES: SHARES})
    assert choose(Strata(PolicyConfig(name="strata", share=share)), table, boxes) == expected


def test_strata_with_caps_pass_over_an_image_that_has_enough():
    table = candidates(SCORES, ["a", "b", "a", "a", "b"], **{CLASS_SHARES: SHARES})
    policy = Strata(PolicyConfig(name="strata", share=1.0, max_per_image=1))
    assert choose(policy, table, 4) == [0, 1]
    assert policy.wanted(QueryBudget(3)) == 24


def test_k_centre_by_hand():
    table = candidates([5.0, 4.0, 3.0, 2.0], **{FEATURE: [(0.0, 0.0), (0.25, 0.0), (1.0, 0.0), (0.5, 0.0)]})
    policy = KCentre(PolicyConfig(name="k_centre"))
    # The best box 0; then 2, at distance 1; then 3, at 0.5 of both; then 1.
    assert choose(policy, table, 3) == [0, 2, 3]
    assert choose(policy, table, 9) == [0, 2, 3, 1]
    ties = candidates([5.0, 4.0, 3.0], **{FEATURE: [(0.0,), (0.5,), (0.5,)]})
    assert choose(policy, ties, 2) == [0, 1]


def test_caps_count_images_and_clips():
    caps = ImageCaps(PolicyConfig(max_per_image=2, max_per_clip=3))
    taken = [caps.take(i) for i in ["seq1_0001", "seq1_0001", "seq1_0001", "seq1_0002", "seq1_0003", "seq2_0001"]]
    assert taken == [True, True, False, True, False, True]
    assert caps.clip("seq1_0001") == "seq1"
    assert caps.clip("nothing") == "nothing"


def test_top_scores_with_caps():
    table = candidates([5.0, 4.0, 3.0, 2.0], ["a", "a", "b", "a"])
    assert choose(TopScores(PolicyConfig(max_per_image=1)), table, 3) == [0, 2]
    assert TopScores(PolicyConfig(max_per_image=1, over_ask=3)).wanted(QueryBudget(2)) == 6


def test_boxes_of_equal_scores_spread_over_images_where_their_number_is_capped():
    """Six boxes of one car score alike: without a cap all are asked for, with it other images come too."""
    images = ["car"] * 6 + ["tree"] * 6 + ["road"] * 6
    table = candidates([1.0] * 18, images)
    assert choose(TopScores(PolicyConfig()), table, 6) == [0, 1, 2, 3, 4, 5]
    spread = choose(TopScores(PolicyConfig(max_per_image=2)), table, 6)
    assert [images[row] for row in spread] == ["car", "car", "tree", "tree", "road", "road"]


@pytest.mark.parametrize("name", [name for name in POLICIES if name != "matched_cost"])
def test_contract_of_every_policy(name):
    """At most the budget, no row twice, whatever the order of the rows that tie, and nothing of nothing."""
    acquisition = AcquisitionConfig(gain="entropy", query_size=6, policy=PolicyConfig(name=name))
    policy = query_policy(acquisition)
    rng = np.random.default_rng(3)
    shares = rng.dirichlet(np.ones(3), 40)
    table = candidates(sorted(rng.random(40), reverse=True), **{CLASS_SHARES: shares, FEATURE: shares})
    chosen = choose(policy, table, 6)
    assert len(chosen) == len(set(chosen)) == 6
    assert choose(policy, CANDIDATE_SCHEMA.empty_table(), 6) == []
    assert policy.wanted(QueryBudget(6)) >= 6
    assert candidate_merge(acquisition).result().num_rows == 0
    assert needs_every_candidate(acquisition) == (name == "strata")

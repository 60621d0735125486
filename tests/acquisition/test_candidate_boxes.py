import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raymeta.acquisition.candidate_boxes import greedy_boxes
from raymeta.schemas import BOX_SCHEMA


def slow_greedy(scores, b, limit=None, min_score=0.0):
    scores, found = scores.astype(np.float64), []
    while limit is None or len(found) < limit:
        top, left = np.unravel_index(np.argmax(scores), scores.shape)  # first of equal ones in raster order
        score = scores[top, left]
        if not (score > 0 and score >= min_score):
            break
        found.append((score, int(top), int(left)))
        scores[max(top - b + 1, 0) : top + b, max(left - b + 1, 0) : left + b] = -np.inf
    return found


def rows(table):
    return [tuple(row.values()) for row in table.to_pylist()]


def test_hand_computed():
    scores = np.array([[1, 9, 1, 1], [1, 8, 1, 7], [3, 1, 1, 7]], dtype=np.float64)
    table = greedy_boxes(scores, 2)
    assert table.schema.equals(BOX_SCHEMA)
    # 8 overlaps 9; of the two 7, the upper one is first and forbids the lower one.
    assert rows(table) == [(9, 0, 1), (7, 1, 3), (3, 2, 0)]


def test_boxes_that_touch_do_not_overlap():
    assert rows(greedy_boxes(np.ones((3, 5)), 2)) == [(1, r, c) for r in (0, 2) for c in (0, 2, 4)]


@settings(max_examples=120, deadline=None)
@given(
    st.integers(1, 40), st.integers(1, 200), st.integers(1, 90), st.integers(1, 6),
    st.none() | st.integers(0, 5), st.sampled_from([0.0, 1.0, 2.5]), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_equals_brute_force_with_many_ties(height, width, b, levels, limit, min_score, seed):
    scores = np.random.default_rng(seed).integers(-1, levels, (height, width)).astype(np.float64)
    assert rows(greedy_boxes(scores, b, limit, min_score)) == slow_greedy(scores, b, limit, min_score)


@pytest.mark.parametrize("seed", range(3))
def test_equals_brute_force_on_distinct_scores(seed):
    scores = np.random.default_rng(seed).random((120, 300))
    assert rows(greedy_boxes(scores, 17)) == slow_greedy(scores, 17)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(1, 150), st.integers(1, 40), st.integers(1, 7), st.integers(0, 2**32 - 1))
def test_boxes_of_a_lattice_are_those_of_a_map_that_is_zero_elsewhere(height, width, b, step, seed):
    rng = np.random.default_rng(seed)
    tops, lefts = np.arange(0, height, step), np.union1d(np.arange(0, width, step), [width - 1])
    scores = rng.integers(0, 9, (len(tops), len(lefts))).astype(np.float64)
    whole = np.zeros((height, width))
    whole[np.ix_(tops, lefts)] = scores
    assert rows(greedy_boxes(scores, b, tops=tops, lefts=lefts)) == slow_greedy(whole, b)
    with pytest.raises(ValueError, match=f"for {len(tops)} tops"):
        greedy_boxes(whole[:, :0], b, tops=tops, lefts=lefts)


def test_input_is_untouched_and_zero_is_never_taken():
    scores = np.zeros((5, 5))
    scores[2, 2] = 1.0
    before = scores.copy()
    assert rows(greedy_boxes(scores, 1)) == [(1, 2, 2)]
    assert np.array_equal(scores, before)
    assert greedy_boxes(scores, 1, limit=0).num_rows == 0
    assert greedy_boxes(np.zeros((0, 4)), 2).num_rows == greedy_boxes(np.zeros((4, 0)), 2).num_rows == 0


def test_min_score_keeps_equal_scores():
    scores = np.array([[3.0, 2.0, 1.0]])
    assert rows(greedy_boxes(scores, 1, min_score=2.0)) == [(3, 0, 0), (2, 0, 1)]


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="nan"):
        greedy_boxes(np.array([[1.0, np.nan]]), 1)
    with pytest.raises(ValueError, match="box_width 0"):
        greedy_boxes(np.ones((2, 2)), 0)
    with pytest.raises(ValueError, match="limit -1"):
        greedy_boxes(np.ones((2, 2)), 1, limit=-1)
    with pytest.raises(ValueError, match="shape"):
        greedy_boxes(np.ones(3), 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"aggregated_map": [[1.0]]}, "aggregated_map is a list: give a numpy array"),
        ({"aggregated_map": np.array([["a"]])}, "aggregated_map has dtype <U1: give numbers"),
        ({"box_width": 2.5}, "box_width 2.5 isn't a whole number"),
        ({"box_width": True}, "box_width True isn't a whole number"),
        ({"box_width": 2**64}, "box_width 18446744073709551616 is above 2147483647: choose at most"),
        ({"limit": 2.5}, "limit 2.5 isn't a whole number"),
        ({"limit": True}, "limit True isn't a whole number"),
        ({"limit": 2**64}, "limit 18446744073709551616 is above"),
        ({"min_score": "high"}, "min_score high isn't a number to compare"),
        ({"min_score": float("nan")}, "min_score nan isn't a number to compare"),
    ],
)
def test_wrong_types_are_named(changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        greedy_boxes(**({"aggregated_map": np.ones((4, 4)), "box_width": 2} | changes))


def test_numpy_integers_are_taken():
    scores = np.ones((4, 6))
    assert rows(greedy_boxes(scores, np.uint8(2), np.int8(3))) == rows(greedy_boxes(scores, 2, 3))

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr

from raymeta.report.click_agreement import agreement, click_pairs
from raymeta.schemas import ANNOTATION_SCHEMA, QUERY_SCHEMA


def test_boxes_are_matched_by_place_not_by_order() -> None:
    base = {"width": 4, "score": 1.0, "unlabelled_pixels": 16}
    query = [
        base | {"image_id": "a", "top": 0, "left": 0, "rank": 1, "estimated_clicks": 5},
        base | {"image_id": "b", "top": 0, "left": 0, "rank": 2, "estimated_clicks": 7},
        base | {"image_id": "a", "top": 0, "left": 4, "rank": 3, "estimated_clicks": 2, "unlabelled_pixels": 15},
        base | {"image_id": "c", "top": 0, "left": 0, "rank": 4, "estimated_clicks": 9},
    ]
    zero = {"width": 4, "intersection_clicks": 0, "box_clicks": 4, "class_clicks": 1}
    answers = [
        zero | {"image_id": "b", "top": 0, "left": 0, "rank": 2, "polygon_clicks": 70},
        zero | {"image_id": "a", "top": 0, "left": 4, "rank": 3, "polygon_clicks": 20},
        zero | {"image_id": "a", "top": 0, "left": 0, "rank": 1, "polygon_clicks": 50},
    ]
    pairs = click_pairs(
        pa.Table.from_pylist(query, schema=QUERY_SCHEMA), pa.Table.from_pylist(answers, schema=ANNOTATION_SCHEMA), 3
    )
    assert list(zip(pairs.iteration, pairs.estimated, pairs.true, strict=True)) == [(3, 5, 50), (3, 7, 70)]
    assert pairs.left_out == 1  # one that overlaps a label; c was not answered at all


counts = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=30)


@given(counts)
def test_correlations_against_scipy(pairs: list[tuple[int, int]]) -> None:
    x, y = np.array(pairs).T
    found = agreement(x, y)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        assert found.pearson is None
        assert found.spearman is None
        return
    assert found.pearson == pytest.approx(pearsonr(x, y).statistic)
    assert found.spearman == pytest.approx(spearmanr(x, y).statistic)


def test_ratio_and_small_samples() -> None:
    found = agreement([1, 3], [2, 6])
    assert (found.boxes, found.pearson, found.ratio) == (2, None, 0.5)
    assert agreement([], []).ratio is None

import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from raymeta.report.query_comparison import busiest_images, comparison_picture, query_figures, query_overlap
from raymeta.schemas import ANNOTATION_SCHEMA, QUERY_SCHEMA


def query(*boxes: tuple[str, int, int, int]) -> pa.Table:
    rest = {"score": 1.0, "estimated_clicks": 3, "unlabelled_pixels": 0}
    rows = [rest | {"image_id": i, "top": t, "left": x, "width": w, "rank": r} for r, (i, t, x, w) in enumerate(boxes)]
    return pa.Table.from_pylist(rows, schema=QUERY_SCHEMA)


def test_overlap_by_hand() -> None:
    original = query(("a", 0, 0, 4), ("b", 0, 0, 4))
    other = query(("a", 0, 2, 4), ("b", 0, 0, 4), ("c", 0, 0, 8))
    found = query_overlap(original, other)
    assert found.of_original == (8 + 16) / 32
    assert found.of_other == (8 + 16) / (16 + 16 + 64)
    assert found.of_union == 24 / (32 + 96 - 24)
    assert found.equal_boxes == 1


def test_boxes_that_overlap_in_one_query_count_their_pixels_once() -> None:
    assert query_figures(query(("a", 0, 0, 4), ("a", 0, 2, 4)), ANNOTATION_SCHEMA.empty_table()).pixels == 24


def test_empty_queries_have_no_shares() -> None:
    found = query_overlap(query(), query())
    assert (found.of_original, found.of_other, found.of_union, found.equal_boxes) == (None, None, None, 0)


corners = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 8), st.integers(0, 8), st.integers(1, 4)), max_size=5
)


@given(corners, corners)
def test_overlap_against_counting_pixels(
    first: list[tuple[str, int, int, int]], second: list[tuple[str, int, int, int]]
) -> None:
    def pixels(boxes: list[tuple[str, int, int, int]]) -> set[tuple[str, int, int]]:
        return {(i, r, c) for i, t, x, w in boxes for r in range(t, t + w) for c in range(x, x + w)}

    one, two = pixels(first), pixels(second)
    found = query_overlap(query(*first), query(*second))
    assert found.of_original == (len(one & two) / len(one) if one else None)
    assert found.of_union == (pytest.approx(len(one & two) / len(one | two)) if one | two else None)


def test_picture_shows_the_busiest_images() -> None:
    original, other = query(("a", 0, 0, 4), ("b", 0, 0, 4)), query(("b", 4, 4, 8))
    assert busiest_images(original, other, 2) == ["b", "a"]
    image = np.full((16, 32, 3), 90, dtype=np.uint8)
    png = comparison_picture([("b", image)], original, other, ("of the run", "requery"))
    drawn = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    assert (np.abs(drawn - (0, 229, 255)).sum(axis=2) < 30).sum() > 50  # the new box
    assert (np.abs(drawn - (255, 140, 0)).sum(axis=2) < 30).sum() > 50  # the run's

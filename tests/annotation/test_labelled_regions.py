import pickle

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.schemas import ANNOTATION_SCHEMA, QUERY_SCHEMA


def boxes_table(*boxes: tuple[str, int, int, int], schema: pa.Schema = QUERY_SCHEMA) -> pa.Table:
    rows = [
        dict.fromkeys(schema.names, 0) | dict(zip(("image_id", "top", "left", "width"), b, strict=True)) for b in boxes
    ]
    return pa.Table.from_pylist(rows, schema=schema)


@pytest.mark.parametrize("schema", [QUERY_SCHEMA, ANNOTATION_SCHEMA])
def test_images_and_boxes(schema):
    regions = LabelledRegions.from_images(["whole"]).with_boxes(boxes_table(("part", 1, 2, 2), schema=schema))
    labels = np.arange(20, dtype=np.uint8).reshape(4, 5)
    np.testing.assert_array_equal(regions.apply(labels, "whole"), labels)
    expected = np.full((4, 5), 255, np.uint8)
    expected[1:3, 2:4] = labels[1:3, 2:4]
    np.testing.assert_array_equal(regions.apply(labels, "part"), expected)
    assert regions.apply(labels, "part").dtype == np.uint8
    assert (regions.apply(labels, "unknown") == 255).all()
    assert [regions.labelled_pixels(i, 4, 5) for i in ("whole", "part", "unknown")] == [20, 4, 0]


def test_adding_leaves_the_old_regions_alone():
    first = LabelledRegions.from_images([]).with_boxes(boxes_table(("b", 0, 0, 2)))
    second = first.with_boxes(boxes_table(("b", 1, 1, 2), ("a", 0, 0, 1), ("b", 1, 1, 2)))
    assert first.labelled_pixels("b", 4, 4) == 4
    assert second.labelled_pixels("b", 4, 4) == 7
    assert len(second.boxes["b"]) == 2
    assert first.image_ids() == ["b"]
    assert second.image_ids() == ["a", "b"]


def test_ids_are_sorted_by_their_bytes():
    assert LabelledRegions.from_images(["z", "é", "a", "\U0001f600", "｡"]).image_ids() == [
        "a",
        "z",
        "é",
        "｡",
        "\U0001f600",
    ]


def test_labels_are_copied():
    labels = np.zeros((2, 2), np.uint8)
    LabelledRegions.from_images(["a"]).apply(labels, "a")[:] = 9
    assert not labels.any()


def test_survives_pickling():
    regions = LabelledRegions.from_images(["a"]).with_boxes(boxes_table(("b", 0, 0, 2)))
    assert pickle.loads(pickle.dumps(regions)) == regions


def test_box_of_another_size_of_images():
    regions = LabelledRegions().with_boxes(boxes_table(("b", 3, 0, 2)))
    with pytest.raises(ValueError, match=r"b: .*read the data set at the size"):
        regions.mask("b", 4, 4)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 4)), max_size=8))
def test_mask_is_the_union(boxes):
    regions = LabelledRegions().with_boxes(boxes_table(*(("a", *box) for box in boxes)))
    pixels = {(r, c) for top, left, w in boxes for r in range(top, top + w) for c in range(left, left + w)}
    assert {tuple(place) for place in np.argwhere(regions.mask("a", 10, 10)).tolist()} == pixels
    assert regions.labelled_pixels("a", 10, 10) == len(pixels)

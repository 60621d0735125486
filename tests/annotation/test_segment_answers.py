"""Answers to one-click segments: by hand, and what people's labels say."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raymeta.annotation.events import Events
from raymeta.annotation.known_labels import ImageLabels
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.annotation.segment_answers import (
    SEGMENT_ANSWER_FIELDS,
    answer_segment,
    innermost_pixel,
    point_mask,
    segment_row,
    told_by_labels,
)
from raymeta.boxes import Box, pack_mask, unpack_mask
from raymeta.config import SegmentsConfig
from raymeta.runs.input_key import labels_key
from raymeta.schemas import ANNOTATION_SCHEMA

PART = np.array([[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 0], [0, 0, 0, 0]], bool)


def truth(*pixels):
    """Class 2 all over, but for (row, column, class)."""
    labels = np.full((4, 4), 2, np.uint8)
    for row, column, class_id in pixels:
        labels[row, column] = class_id
    return labels


@pytest.mark.parametrize(
    ("labels", "predicted", "mixed", "origin", "class_id", "pixels"),
    [
        (truth(), 2, "skip", "confirmed", 2, 9),
        (truth(), 1, "skip", "fixed", 2, 9),
        (truth((0, 0, 1)), 2, "skip", "confirmed", 2, 9),  # 8 of 9 are more than 0.8
        (truth((0, 0, 1), (0, 1, 1)), 2, "skip", "mixed", None, 0),  # 7 of 9 aren't
        (truth((0, 0, 1), (0, 1, 255)), 2, "skip", "confirmed", 2, 9),  # 7 of 8
        (truth((0, 0, 1), (0, 1, 1)), 2, "box", "drawn", None, 0),
        (truth((0, 0, 1), (0, 1, 1)), 2, "point", "point", 2, 9),
        (truth((0, 0, 1), (0, 1, 1), (1, 1, 3)), 2, "point", "point", 3, 9),
        (truth((0, 0, 1), (0, 1, 1), (1, 1, 255)), 2, "point", "mixed", None, 0),
        (np.full((4, 4), 255, np.uint8), 2, "box", "mixed", None, 0),
        (truth((3, 3, 7)), 2, "skip", "confirmed", 2, 9),  # outside of the part
    ],
)
def test_an_answer_by_hand(labels, predicted, mixed, origin, class_id, pixels):
    told = answer_segment(labels, PART, predicted, SegmentsConfig(purity=0.8, mixed=mixed), 3)
    assert (told.origin, told.class_id, told.labelled.sum()) == (origin, class_id, pixels)
    row = segment_row({"segment": pack_mask(PART), "predicted_class": predicted, "width": 4}, told)
    table = pa.Table.from_pylist(
        [row | {"width": 4}], schema=pa.schema([("width", pa.int32()), *SEGMENT_ANSWER_FIELDS])
    )
    events = Events.of_boxes(table)
    assert (events.confirm, events.reclass, events.prompt) == {
        "confirmed": (1, 0, 0),
        "point": (0, 0, 1),
    }.get(origin, (0, 1, 0))
    assert events.pixels == 9


def test_the_innermost_pixel_by_hand():
    """An L of 2 pixels' width: all lie one step inside but the corner's (1, 1), which has two; a line: its middle."""
    shape = np.zeros((5, 5), bool)
    shape[0:2, :] = shape[:, 0:2] = True
    assert innermost_pixel(shape) == (1, 1)
    line = np.zeros((5, 5), bool)
    line[2, :] = True
    assert innermost_pixel(line) == (2, 2)
    assert innermost_pixel(np.ones((4, 4), bool)) == (1, 1)
    assert point_mask(line, 3).tolist() == [
        [False] * 5,
        [False] * 5,
        [False, True, True, True, False],
        *[[False] * 5] * 2,
    ]


def slow_innermost(mask):
    """Step by step: peel off the border until nothing is left."""
    layer, steps = mask.copy(), np.zeros(mask.shape, int)
    while layer.any():
        steps += layer
        around = np.pad(layer, 1)
        layer = layer & around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    rows = [(-steps[y, x], y, x) for y, x in zip(*np.nonzero(mask), strict=True)]
    deepest = min(row[0] for row in rows)
    ys, xs = np.nonzero(mask)
    n = len(ys)
    return min(
        ((n * y - int(ys.sum())) ** 2 + (n * x - int(xs.sum())) ** 2, y, x) for step, y, x in rows if step == deepest
    )[1:]


masks = st.integers(1, 9).flatmap(
    lambda width: (
        st.lists(st.booleans(), min_size=width**2, max_size=width**2)
        .filter(any)
        .map(lambda bits: np.array(bits).reshape(width, width))
    )
)


@given(masks)
def test_the_innermost_pixel_agrees_with_peeling(mask):
    assert innermost_pixel(mask) == slow_innermost(mask)


@given(masks, st.integers(0, 2**32 - 1), st.sampled_from(["skip", "point"]), st.floats(0.51, 1), st.integers(1, 5))
def test_a_person_who_paints_the_answer_is_understood(mask, seed, mixed, purity, point_width):
    """Labels made of an answer say the same again, if somebody tells that the part is mixed: a point may cover it."""
    labels = np.random.default_rng(seed).choice([0, 1, 1, 1, 255], mask.shape).astype(np.uint8)
    told = answer_segment(labels, mask, 1, SegmentsConfig(purity=purity, mixed=mixed), point_width)
    painted = np.full(mask.shape, 255, np.uint8)
    if told.class_id is not None:
        painted[told.labelled] = told.class_id
    again = told_by_labels(painted, mask, 1, mixed=told.origin in ("point", "mixed"))
    assert (again.origin, again.class_id) == (told.origin, told.class_id)
    assert again.labelled.tolist() == told.labelled.tolist()
    if not (told.labelled == mask).all():  # then the labels alone tell it
        assert told_by_labels(painted, mask, 1).origin == told.origin


def test_a_point_that_labels_all_of_a_small_part_is_no_confirmation():
    mask = np.zeros((4, 4), bool)
    mask[:2, :2] = True
    labels = np.where(mask, 1, 255).astype(np.uint8)
    assert told_by_labels(labels, mask, 1).origin == "confirmed"
    assert told_by_labels(labels, mask, 1, mixed=True).origin == "point"
    assert told_by_labels(labels, mask, 0).origin == "fixed"
    assert told_by_labels(labels, mask, 0, mixed=True).origin == "point"


@given(masks)
def test_masks_come_back_from_their_bits(mask):
    assert unpack_mask(pack_mask(mask), len(mask)).tolist() == mask.tolist()


def test_bits_of_another_box_are_refused():
    with pytest.raises(ValueError, match="3 bytes"):
        unpack_mask(b"abc", 3)


def annotation(*rows):
    clicks = dict.fromkeys(("polygon_clicks", "intersection_clicks", "box_clicks", "class_clicks"), 0)
    return pa.Table.from_pylist(
        [{"image_id": "a", "width": 4, "rank": 1, **clicks, **row} for row in rows],
        schema=pa.schema([*ANNOTATION_SCHEMA, *SEGMENT_ANSWER_FIELDS]),
    )


class OneImage:
    def __init__(self, labels):
        self.labels = labels

    def label_map(self, image_id):
        return self.labels


def test_regions_of_answers():
    """A confirmed part and a drawn tile that reaches over it: the outlines count where they aren't void."""
    labels = np.zeros((6, 6), np.uint8)
    labels[2:, 2:] = 1
    labels[2, 2] = 255
    right = np.zeros((4, 4), bool)
    right[2:, 2:] = True
    asked = {"segment": pack_mask(right), "predicted_class": 3}
    told = told_by_labels(np.where(right, 3, 255).astype(np.uint8), right, 3)
    first = {"top": 0, "left": 0} | segment_row(asked, told)
    mixed = {"top": 0, "left": 2} | segment_row(asked, told_by_labels(np.full((4, 4), 255, np.uint8), right, 3))
    regions = LabelledRegions().with_boxes(annotation(first, mixed))
    known = ImageLabels(segments=regions.segments["a"])
    expected = np.full((6, 6), 255)
    expected[2:4, 2:4] = 3
    assert known.read("a", (6, 6), OneImage(labels)).tolist() == expected.tolist()
    assert regions.labelled_pixels("a", 6, 6) == 4
    assert regions.asked_mask("a", 6, 6).sum() == 8
    assert regions.image_ids() == ["a"]
    assert regions.extent("a") == (4, 6)
    assert LabelledRegions().with_boxes(annotation(mixed)).image_ids() == []
    drawn = {"top": 2, "left": 2} | segment_row(
        asked, answer_segment(np.array([[0, 1, 0, 1]] * 4, np.uint8), right, 3, SegmentsConfig(mixed="box"), 3)
    )
    both = regions.with_boxes(annotation(drawn))
    assert both.boxes == {"a": (Box(2, 2, 4),)}
    painted = ImageLabels(boxes=both.boxes["a"], segments=both.segments["a"]).read("a", (6, 6), OneImage(labels))
    expected[2:, 2:] = 1
    expected[2, 2] = 3
    assert painted.tolist() == expected.tolist()


def test_a_part_outside_the_image_is_refused():
    whole = segment_row(
        {"segment": pack_mask(PART), "predicted_class": 2}, told_by_labels(truth(), np.ones((4, 4), bool), 2)
    )
    regions = LabelledRegions().with_boxes(annotation({"top": 3, "left": 0} | whole))
    with pytest.raises(ValueError, match="outside the image"):
        regions.mask("a", 6, 6)
    with pytest.raises(ValueError, match="outside the image"):
        ImageLabels(segments=regions.segments["a"]).read("a", (6, 6), OneImage(np.zeros((6, 6), np.uint8)))


def test_the_key_of_labels_tells_answers_apart():
    from raymeta.annotation.known_labels import KnownLabels

    asked = {"segment": pack_mask(PART), "predicted_class": 2}
    keys = set()
    for labels, predicted in (
        (truth(), 2),
        (truth(), 1),
        (truth() + 1, 1),
        (np.where(PART, 1, 255).astype(np.uint8), 1),
    ):
        told = told_by_labels(np.where(PART, labels, 255).astype(np.uint8), PART, predicted)
        regions = LabelledRegions().with_boxes(annotation({"top": 0, "left": 0} | segment_row(asked, told)))
        keys.add(labels_key(KnownLabels(regions)))
    assert len(keys) == 3  # that it was confirmed or fixed decides no label

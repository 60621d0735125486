import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from metaseg_reference import random_target, slow_adjusted_iou

from raymeta.metaseg.adjusted_iou import adjusted_iou
from raymeta.metaseg.segments import find_segments


def iou_of(prediction, target):
    prediction, target = np.array(prediction, dtype=np.uint8), np.array(target, dtype=np.uint8)
    prediction[target == 255] = 255
    return adjusted_iou(find_segments(prediction), target).tolist()


def test_pixels_of_another_segment_of_the_class_do_not_count_against():
    prediction = [[1, 0, 0, 1], [1, 0, 0, 1]]
    target = [[1, 0, 0, 1], [1, 0, 0, 1]]
    assert iou_of(prediction, target) == [1, 1, 1]
    bridged = [[1, 1, 1, 1], [1, 0, 0, 1]]
    assert iou_of(prediction, bridged) == [2 / 4, 2 / 4, 2 / 4]


def test_only_missed_components_that_touch_count():
    prediction = [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    target = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]]
    assert iou_of(prediction, target) == [1 / 2, 13 / 15]


def test_no_hit_is_zero_and_ignored_pixels_belong_to_none():
    assert iou_of([[1, 1, 0, 0]], [[0, 0, 0, 0]]) == [0, 2 / 4]
    assert iou_of([[1, 1, 0, 0]], [[255, 1, 0, 255]]) == [1, 1]
    assert iou_of([[1, 1], [0, 0]], [[255, 255], [255, 255]]) == []


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(1, 20), st.integers(2, 4), st.floats(0, 0.5))
def test_equals_slow_reference(seed, height, width, classes, ignored):
    rng = np.random.default_rng(seed)
    prediction = rng.integers(0, classes, size=(height, width)).astype(np.uint8)
    prediction = np.repeat(np.repeat(prediction, 2, axis=0), 2, axis=1)
    target = random_target(rng, prediction, classes, ignored=ignored)
    prediction[target == 255] = 255
    segments = find_segments(prediction)
    expected = slow_adjusted_iou(prediction, segments.segment_map, target)
    np.testing.assert_array_equal(adjusted_iou(segments, target), expected)

"""Borders of class regions, point by point those that OpenCV follows for each class alone."""

from itertools import pairwise

import cv2
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from raymeta.annotation.class_borders import class_borders


def borders(labels):
    points, starts = class_borders(labels)
    assert starts[0] == 0
    assert starts[-1] == len(points)
    return sorted(points[first:end].tobytes() for first, end in pairwise(starts))


def theirs(labels):
    found = []
    for label in np.unique(labels[labels < 255]):
        region = (labels == label).view(np.uint8)
        found += cv2.findContours(region, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)[0]
    return sorted(contour.tobytes() for contour in found)


@settings(max_examples=300, deadline=None)
@given(
    st.tuples(st.integers(1, 16), st.integers(1, 16)).flatmap(
        lambda shape: arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 254, 255]))
    ),
    st.sampled_from([1, 2, 3]),
)
def test_borders_are_those_of_opencv(labels, side):
    large = labels.repeat(side, 0).repeat(side, 1)
    assert borders(large) == theirs(large)


def test_a_square_is_followed_from_its_first_pixel_counter_clockwise():
    labels = np.full((5, 6), 255, np.uint8)
    labels[1:4, 2:5] = 7
    points, starts = class_borders(labels)
    assert starts.tolist() == [0, 8]
    assert points.tolist() == [[2, 1], [2, 2], [2, 3], [3, 3], [4, 3], [4, 2], [4, 1], [3, 1]]


@pytest.mark.parametrize("value", [0, 255])
def test_maps_of_one_value(value):
    assert borders(np.full((1, 1), value, np.uint8)) == theirs(np.full((1, 1), value, np.uint8))
    assert borders(np.full((3, 4), value, np.uint8)) == theirs(np.full((3, 4), value, np.uint8))


def test_noise_has_more_points_than_there_was_room_for():
    labels = np.random.default_rng(0).integers(0, 2, (200, 300), dtype=np.uint8)
    points, _ = class_borders(labels)
    assert len(points) > labels.size // 8
    assert borders(labels) == theirs(labels)

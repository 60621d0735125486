"""Vertices of borders, those that OpenCV keeps of each border alone."""

from itertools import pairwise

import cv2
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from slow_clicks import SEGMENT_DISTANCES, SPIKE

from raymeta.annotation.class_borders import class_borders
from raymeta.annotation.polygon_vertices import mark_vertices

as_opencv = pytest.mark.skipif(not SEGMENT_DISTANCES, reason="this OpenCV measures distances from lines")


def assert_as_opencv(points, starts, epsilon, size):
    """Border by border: a vertex too many of one may be a vertex of another."""
    for first, end in pairwise(starts.tolist()):
        expected, marks = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
        for x, y in cv2.approxPolyDP(points[first:end].reshape(-1, 1, 2), epsilon, True).reshape(-1, 2):
            expected[y, x] = 1
        mark_vertices(points[first:end], np.array([0, end - first]), epsilon, marks)
        np.testing.assert_array_equal(marks, expected)


@as_opencv
@settings(max_examples=200, deadline=None)
@given(
    st.tuples(st.integers(1, 20), st.integers(1, 20)).flatmap(
        lambda shape: arrays(np.uint8, shape, elements=st.sampled_from([0, 1]))
    ),
    st.sampled_from([1, 2, 3]),
    st.sampled_from([0.4, 1.0, 1.5, 2.5, 10.0]),
)
def test_vertices_of_borders_are_those_of_opencv(labels, side, epsilon):
    large = labels.repeat(side, 0).repeat(side, 1)
    assert_as_opencv(*class_borders(large), epsilon, large.shape)


@as_opencv
@pytest.mark.parametrize("epsilon", [0.5, 1.0, 2.5, 5.0, 40.0])
@pytest.mark.parametrize("blur", [1, 5, 21, 61])
def test_borders_of_large_regions(blur, epsilon):
    noise = cv2.blur(np.random.default_rng(blur).random((300, 400), np.float32), (blur, blur))
    labels = (noise > np.median(noise)).astype(np.uint8)
    points, starts = class_borders(labels)
    longest = np.argsort(-np.diff(starts))[:60]  # of white noise there are thousands
    for border in longest:
        mine = points[starts[border] : starts[border + 1]]
        assert_as_opencv(mine, np.array([0, len(mine)]), epsilon, labels.shape)


@as_opencv
@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=40, unique=True),
    st.sampled_from([0.5, 1.0, 4.0]),
)
def test_any_distinct_points(corners, epsilon):
    points = np.array(corners, np.int32)
    assert_as_opencv(points, np.array([0, len(points)]), epsilon, (61, 61))


def test_a_spike_is_kept():
    marks = np.zeros((6, 7), np.uint8)
    mark_vertices(SPIKE, np.array([0, 4]), 1.0, marks)
    assert {(x, y) for y, x in np.argwhere(marks).tolist()} == {(0, 4), (6, 5), (0, 2), (1, 1)}


def test_no_border():
    marks = np.zeros((3, 3), np.uint8)
    mark_vertices(np.zeros((0, 2), np.int32), np.zeros(1, np.int64), 1.0, marks)
    assert not marks.any()

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from slow_clicks import SEGMENT_DISTANCES, slow_estimate

from raymeta.annotation.click_estimation import default_epsilon, estimate_clicks


@pytest.mark.parametrize(("height", "epsilon"), [(1024, 2.5), (2048, 5.0), (360, 1.0), (1, 1.0)])
def test_default_epsilon(height, epsilon):
    assert default_epsilon(height) == epsilon


def test_rectangle_has_its_corners():
    labels = np.full((10, 12), 255, np.uint8)
    labels[2:7, 3:9] = 4
    clicks = estimate_clicks(labels, 1.0)
    assert clicks.dtype == np.uint8
    assert np.argwhere(clicks).tolist() == [[2, 3], [2, 8], [6, 3], [6, 8]]


def test_holes_have_vertices_of_their_own():
    labels = np.zeros((20, 20), np.uint8)
    labels[5:15, 5:15] = 1
    clicks = estimate_clicks(labels, 1.0)
    corners = [(0, 0), (0, 19), (19, 0), (19, 19), (5, 5), (5, 14), (14, 5), (14, 14)]
    assert all(clicks[place] for place in corners)
    # The inner contour of class 0 runs outside of the square.
    assert clicks[3:17, 3:17].sum() > 4
    labels[5:15, 5:15] = 255
    assert estimate_clicks(labels, 1.0)[5:15, 5:15].sum() == 0


def test_void_and_single_pixels():
    labels = np.full((5, 5), 255, np.uint8)
    assert not estimate_clicks(labels, 1.0).any()
    labels[4, 4] = 254
    assert np.argwhere(estimate_clicks(labels, 1.0)).tolist() == [[4, 4]]
    assert np.argwhere(estimate_clicks(np.zeros((1, 1), np.uint8), 1.0)).tolist() == [[0, 0]]


def test_larger_tolerance_keeps_fewer_vertices():
    rows, cols = np.mgrid[:80, :80]
    labels = ((rows - 40) ** 2 + (cols - 40) ** 2 < 900).astype(np.uint8)
    counts = [int(estimate_clicks(labels, epsilon).sum()) for epsilon in (0.5, 1.0, 2.0, 5.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


def test_input_is_left_alone_and_may_be_a_view():
    labels = np.zeros((12, 24), np.uint8)
    labels[3:9, 4:20] = 1
    before = labels.copy()
    np.testing.assert_array_equal(estimate_clicks(labels[:, ::2], 1.0), estimate_clicks(labels[:, ::2].copy(), 1.0))
    np.testing.assert_array_equal(labels, before)


@pytest.mark.parametrize("epsilon", [0.0, -1.0, float("nan"), float("inf"), 1e308, True, "1.0", None])
def test_bad_tolerance(epsilon):
    with pytest.raises(ValueError, match="epsilon"):
        estimate_clicks(np.zeros((4, 4), np.uint8), epsilon)


@pytest.mark.parametrize("labels", [np.zeros((4, 4)), np.zeros(4, np.uint8), np.zeros((0, 4), np.uint8)])
def test_bad_label_map(labels):
    with pytest.raises(ValueError, match="label_map"):
        estimate_clicks(labels, 1.0)


@pytest.mark.skipif(not SEGMENT_DISTANCES, reason="this OpenCV measures distances from lines")
@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 24), st.integers(1, 24)).flatmap(
        lambda shape: arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 7, 254, 255]))
    ),
    st.sampled_from([1, 2, 3]),
    st.sampled_from([0.5, 1.0, 2.5]),
)
def test_crops_equal_whole_images(labels, scale, epsilon):
    labels = np.kron(labels, np.ones((scale, scale), np.uint8))
    np.testing.assert_array_equal(estimate_clicks(labels, epsilon), slow_estimate(labels, epsilon))

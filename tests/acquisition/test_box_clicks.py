import numpy as np
import pytest

from raymeta.acquisition.box_clicks import (
    MIN_FACTOR,
    box_click_counts,
    multiply_by_normalized,
    normalized_clicks,
    unlabelled_counts,
)

CLICKS = np.array([[1, 0, 1], [0, 1, 0]], dtype=np.uint8)
LABELLED = np.array([[True, False, False], [False, False, False]])


def test_clicks_count_on_unlabelled_pixels_only():
    assert box_click_counts(CLICKS, 2).tolist() == [[2, 2]]
    assert box_click_counts(CLICKS, 2, LABELLED).tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("labelled", "clicks", "free"), [(LABELLED, [1, 2], [3, 4]), (np.zeros_like(LABELLED), [2, 2], [4, 4])]
)
def test_counts_of_some_boxes(labelled, clicks, free):
    assert unlabelled_counts(CLICKS, labelled, np.array([0, 0]), np.array([0, 1]), 2).tolist() == [clicks, free]


def test_normalized_by_hand():
    assert normalized_clicks(CLICKS, 2, 4).tolist() == [[0.5, 0.5]]
    assert normalized_clicks(CLICKS, 2, 4, LABELLED).tolist() == [[0.75 * 0.75, 0.5]]
    # More clicks than on the sample: a small rest is left, but nothing where all is labelled.
    assert normalized_clicks(CLICKS, 2, 2).tolist() == normalized_clicks(CLICKS, 2, 1).tolist() == [[MIN_FACTOR] * 2]
    assert normalized_clicks(CLICKS, 2, 2, np.ones((2, 3), dtype=bool)).tolist() == [[0, 0]]


@pytest.mark.parametrize("clicks_max", [None, 0, -3, 2.5, True])
def test_clicks_max_must_be_positive(clicks_max):
    with pytest.raises(ValueError, match="clicks_max"):
        normalized_clicks(CLICKS, 2, clicks_max)
    with pytest.raises(ValueError, match="clicks_max"):
        multiply_by_normalized(np.ones((1, 2)), CLICKS, 2, clicks_max)


@pytest.mark.parametrize("box_width", [1, 2, 7, 20])
@pytest.mark.parametrize("marks", ["no mask", "nothing labelled", "some labelled"])
def test_multiplied_is_the_product_bit_for_bit(box_width, marks):
    rng = np.random.default_rng(box_width)
    clicks = (rng.random((20, 33)) < 0.2).astype(np.uint8)
    labelled = None if marks == "no mask" else np.zeros(clicks.shape, bool)
    if marks == "some labelled":
        labelled[3:9, 5:30] = True
    gain = rng.random((20 - box_width + 1, 33 - box_width + 1))
    expected = gain * normalized_clicks(clicks, box_width, 40, labelled)
    multiply_by_normalized(gain, clicks, box_width, 40, labelled)
    np.testing.assert_array_equal(gain, expected)

import numpy as np
import pytest

from raymeta.acquisition.box_clicks import MIN_FACTOR, box_click_counts, normalized_clicks

CLICKS = np.array([[1, 0, 1], [0, 1, 0]], dtype=np.uint8)
LABELLED = np.array([[True, False, False], [False, False, False]])


def test_clicks_count_on_unlabelled_pixels_only():
    assert box_click_counts(CLICKS, 2).tolist() == [[2, 2]]
    assert box_click_counts(CLICKS, 2, LABELLED).tolist() == [[1, 2]]


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

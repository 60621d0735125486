"""Agreement of two answers, by hand: void and uncovered pixels count nowhere."""

import numpy as np
import pytest

from raymeta.labels.agreement import compare_labels


def test_by_hand():
    first = np.array([[0, 0, 1], [1, 255, 2]], np.uint8)
    second = np.array([[0, 1, 1], [1, 2, 255]], np.uint8)
    pixels, equal, miou = compare_labels(first, second)
    assert pixels == 4  # two have a class in one of both alone
    assert equal == 3 / 4
    assert miou == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_nothing_in_common():
    assert compare_labels(np.full((2, 2), 255, np.uint8), np.zeros((2, 2), np.uint8)) == (0, None, None)

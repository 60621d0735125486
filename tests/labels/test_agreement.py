"""Agreement of two answers, by hand: void and uncovered pixels count nowhere."""

import numpy as np
import pytest

from raymeta.labels.agreement import compare_labels, share_within


def test_by_hand():
    first = np.array([[0, 0, 1], [1, 255, 2]], np.uint8)
    second = np.array([[0, 1, 1], [1, 2, 255]], np.uint8)
    pixels, equal, miou = compare_labels(first, second)
    assert pixels == 4  # two have a class in one of both alone
    assert equal == 3 / 4
    assert miou == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_nothing_in_common():
    assert compare_labels(np.full((2, 2), 255, np.uint8), np.zeros((2, 2), np.uint8)) == (0, None, None)


def test_outlines_may_lie_beside_each_other():
    """A border at column 4 or 5 of 10: one column differs, and its classes are both a pixel away."""
    first, second = np.zeros((4, 10), np.uint8), np.zeros((4, 10), np.uint8)
    first[:, 4:], second[:, 5:] = 1, 1
    assert compare_labels(first, second)[1] == 36 / 40
    assert share_within(first, second, 0) == 36 / 40
    assert share_within(first, second, 1) == 1.0


def test_a_thin_object_that_one_lacks_counts_wholly():
    """A pole one pixel wide: the first has it and the second doesn't, so no tolerance brings it back."""
    first, second = np.zeros((6, 9), np.uint8), np.zeros((6, 9), np.uint8)
    first[:, 4] = 7
    assert share_within(first, second, 2) == 48 / 54
    second[:, 6] = 7
    assert share_within(first, second, 2) == 1.0
    assert share_within(first, second, 1) == 42 / 54  # a pole two pixels beside is another one: both count


def test_void_of_one_alone_is_a_difference():
    first, second = np.zeros((2, 10), np.uint8), np.zeros((2, 10), np.uint8)
    first[:, 5:] = 255
    second[:, 9] = 255
    assert share_within(first, second, 0) == 10 / 18  # column 9 is void in both, and counts nowhere
    assert share_within(first, second, 1) == 10 / 18  # column 8: its void is near, its class is far away
    assert share_within(np.full((2, 2), 255, np.uint8), np.full((2, 2), 255, np.uint8), 2) is None


@pytest.mark.parametrize("seed", range(4))
def test_equals_a_slow_reference(seed):
    rng = np.random.default_rng(seed)
    first, second = (rng.choice(np.array([0, 1, 2, 255], np.uint8), (9, 11)) for _ in range(2))
    tolerance = int(rng.integers(0, 3))

    def near(labels, row, column, value):
        rows = slice(max(row - tolerance, 0), row + tolerance + 1)
        return (labels[rows, max(column - tolerance, 0) : column + tolerance + 1] == value).any()

    places = [at for at in np.ndindex(first.shape) if not first[at] == second[at] == 255]
    agree = [near(second, *at, first[at]) and near(first, *at, second[at]) for at in places]
    assert share_within(first, second, tolerance) == sum(agree) / len(places)

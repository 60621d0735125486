"""What the next clicks will bring."""

import numpy as np
import pytest
from scipy.stats import t

from raymeta.runs.forecast import forecast


def test_points_on_a_curve_are_continued_without_doubt():
    clicks = np.array([1000.0, 2000.0, 4000.0, 9000.0])
    found = forecast(clicks, 0.1 + 0.05 * np.log(clicks), more=1000.0)
    assert found.gain == pytest.approx(0.05 * np.log(10 / 9))
    assert found.miou == pytest.approx(0.1 + 0.05 * np.log(10_000))
    assert (found.low, found.high) == pytest.approx((found.gain, found.gain))


def test_the_interval_is_that_of_the_slope_by_hand():
    x, y = np.log([1.0, np.e, np.e**2, np.e**3]), np.array([0.1, 0.3, 0.2, 0.4])
    slope = 0.4 / 5  # Σ(x - 1.5)(y - 0.25) = 0.4, Σ(x - 1.5)² = 5
    rest = y - (0.25 + slope * (x - 1.5))
    error = np.sqrt(np.sum(rest**2) / 2 / 5)
    found = forecast(np.exp(x), y, more=np.e**4 - np.e**3)  # one more step of ln(clicks)
    assert found.gain == pytest.approx(slope)
    assert found.high - found.gain == pytest.approx(t.ppf(0.975, 2) * error)
    assert "it may be nothing" in found.text


@pytest.mark.parametrize(
    ("clicks", "miou"), [([1, 2], [0.1, 0.2]), ([5, 5, 5], [0.1, 0.2, 0.3]), ([0, 1, 2], [0.1, 0.2, 0.3])]
)
def test_too_few_points_tell_nothing(clicks, miou):
    assert forecast(clicks, miou) is None


def test_iterations_without_miou_are_left_out():
    with_gap = forecast([1, 2, 4, 8], [0.1, np.nan, 0.3, 0.35])
    assert with_gap == forecast([1, 4, 8], [0.1, 0.3, 0.35])

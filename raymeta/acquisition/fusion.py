"""How the gain of every box is joined with what it costs (docs/method.md#fusion)."""

import numpy as np
from numpy.typing import NDArray

from raymeta.compilation import njit

Scores = NDArray[np.float64]


def weighted_sum(gain: Scores, cheapness: Scores, gain_weight: float, box_width: int) -> Scores:
    """`λ·gain/b² + (1 - λ)·cheapness`, 0 where the gain is 0: a box that brings nothing is not asked for.

    Args:
        gain: (rows, cols) float64, sums over boxes of values in [0, 1]; overwritten by the result.
        cheapness: (rows, cols) float64 in [0, 1], the click priority of every box.
        gain_weight: λ.
        box_width: b, pixels.

    Returns:
        (rows, cols) float64 in [0, 1].
    """
    _weigh(gain, cheapness, gain_weight / box_width**2, 1.0 - gain_weight)
    return gain


def gain_per_click(gain: Scores, clicks: Scores, open_cost: float) -> Scores:
    """`gain / (clicks + c0)`; 0 where the clicks are infinite.

    Args:
        gain: (rows, cols) float64; overwritten by the result.
        clicks: (rows, cols) float64, at least 0; infinite where no box may be asked for.
        open_cost: c0, clicks that any box costs, above 0.

    Returns:
        (rows, cols) float64.
    """
    _divide(gain, clicks, open_cost)
    return gain


@njit(cache=True, nogil=True, error_model="numpy")
def _weigh(gain, cheapness, gain_weight, cost_weight):  # type: ignore[no-untyped-def]
    """Write the sum in place of each gain (rows, cols); where that is 0 it stays 0."""
    for row in range(gain.shape[0]):
        for col in range(gain.shape[1]):
            value = gain_weight * gain[row, col] + cost_weight * cheapness[row, col]
            gain[row, col] = value if gain[row, col] != 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _divide(gain, clicks, open_cost):  # type: ignore[no-untyped-def]
    """Write the ratio in place of each gain (rows, cols)."""
    for row in range(gain.shape[0]):
        for col in range(gain.shape[1]):
            gain[row, col] /= clicks[row, col] + open_cost

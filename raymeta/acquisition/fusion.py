"""How the gain of every box is joined with what it costs (docs/method.md#fusion)."""

import numpy as np
from numpy.typing import NDArray

from raymeta.compilation import njit

Scores = NDArray[np.float64]


def weighted_sum(gain: Scores, cheapness: Scores, gain_weight: float, box_width: int) -> Scores:
    """`λ·gain/b² + (1 - λ)·cheapness`, 0 where the gain is 0: a box that brings nothing is not asked for.

    Args:
        gain: (rows, cols) float64, sums over boxes of values in [0, 1].
        cheapness: (rows, cols) float64 in [0, 1], the click priority of every box.
        gain_weight: λ.
        box_width: b, pixels.

    Returns:
        (rows, cols) float64 in [0, 1].
    """
    joint = np.empty(gain.shape)
    _weigh(gain, cheapness, gain_weight / box_width**2, 1.0 - gain_weight, joint)
    return joint


def gain_per_click(gain: Scores, clicks: Scores, open_cost: float) -> Scores:
    """`gain / (clicks + c0)`; 0 where the clicks are infinite.

    Args:
        gain: (rows, cols) float64.
        clicks: (rows, cols) float64, at least 0; infinite where no box may be asked for.
        open_cost: c0, clicks that any box costs, above 0.

    Returns:
        (rows, cols) float64.
    """
    joint = np.empty(gain.shape)
    _divide(gain, clicks, open_cost, joint)
    return joint


@njit(cache=True, nogil=True, error_model="numpy")
def _weigh(gain, cheapness, gain_weight, cost_weight, joint):  # type: ignore[no-untyped-def]
    """Fill `joint` (rows, cols) in one pass; where the gain is 0 it stays 0."""
    for row in range(joint.shape[0]):
        for col in range(joint.shape[1]):
            value = gain_weight * gain[row, col] + cost_weight * cheapness[row, col]
            joint[row, col] = value if gain[row, col] != 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _divide(gain, clicks, open_cost, joint):  # type: ignore[no-untyped-def]
    """Fill `joint` (rows, cols) in one pass."""
    for row in range(joint.shape[0]):
        for col in range(joint.shape[1]):
            joint[row, col] = gain[row, col] / (clicks[row, col] + open_cost)

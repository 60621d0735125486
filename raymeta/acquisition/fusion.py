"""How the gain of every box is joined with what it costs (docs/method.md#fusion)."""

import numpy as np
from numpy.typing import NDArray

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
    joint = gain_weight / box_width**2 * gain
    joint += (1.0 - gain_weight) * cheapness
    joint[gain == 0.0] = 0.0
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
    return gain / (clicks + open_cost)

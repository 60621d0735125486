"""Clicks of every box of an image, and the priority made of them (docs/method.md#normalised-click-priority)."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from raymeta.acquisition.aggregated_maps import aggregate
from raymeta.argument_checks import whole_number
from raymeta.compilation import njit

MIN_FACTOR: Final = 0.001
"""What a box with `clicks_max` or more clicks keeps, so that it stays in the ranking."""


def box_click_counts(
    clicks: NDArray[np.uint8], box_width: int, labelled_mask: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Clicks on unlabelled pixels of every box.

    clicks: (H, W) uint8 κ. labelled_mask: (H, W) bool, or None for an unlabelled image. Returns (H-b+1, W-b+1)
    float64 whole numbers.
    """
    return aggregate(clicks if labelled_mask is None else clicks * ~labelled_mask, box_width)


def normalized_clicks(
    clicks: NDArray[np.uint8], box_width: int, clicks_max: int | None, labelled_mask: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """`(unlabelled(B)/b²)·max(0.001, 1 - clicks(B)/clicks_max)` for every box, clicks over unlabelled pixels.

    clicks: (H, W) uint8 κ. clicks_max: largest count of a box on the sample. labelled_mask: (H, W) bool, or None.
    Returns (H-b+1, W-b+1) float64 in [0, 1].

    Raises:
        ValueError: no clicks_max, or one below 1.
    """
    if clicks_max is None:
        raise ValueError("clicks_max None: the normalised click priority needs a largest count of at least 1")
    clicks_max = whole_number("clicks_max", clicks_max, least=1)
    factor = box_click_counts(clicks, box_width, labelled_mask)
    _to_factor(factor.reshape(-1), float(clicks_max))
    if labelled_mask is not None and labelled_mask.any():
        factor *= aggregate(~labelled_mask, box_width) / int(box_width) ** 2
    return factor


@njit(cache=True, nogil=True, error_model="numpy")
def _to_factor(counts, clicks_max):  # type: ignore[no-untyped-def]
    """Write `max(MIN_FACTOR, 1 - count/clicks_max)` in place of (N,) counts."""
    for index in range(counts.shape[0]):
        counts[index] = max(counts[index] / -clicks_max + 1.0, MIN_FACTOR)

"""Aggregated maps: the sum of a priority map over every box at stride 1 (arXiv:2010.01884, Eq. 4-5)."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from raymeta.boxes import check_box_width


def aggregate(priority_map: NDArray[Any], box_width: int) -> NDArray[np.float64]:
    """Sum of the map over every box; a cell stands for the box with that top-left pixel.

    priority_map: (H, W) real. Exact for integers, and for multiples of 2⁻²⁴ in [0, 1]: their sums fit in float64.
    Returns (H-b+1, W-b+1) float64.

    Raises:
        ValueError: another number of dimensions, or a box wider than the image.
    """
    if priority_map.ndim != 2:
        raise ValueError(f"priority_map has shape {priority_map.shape}: give (H, W)")
    height, width = priority_map.shape
    check_box_width(box_width, height, width)
    return _box_sums(np.ascontiguousarray(priority_map), box_width)


@njit(cache=True, nogil=True)
def _box_sums(values, b):  # type: ignore[no-untyped-def]
    """Sliding window: column sums over b rows, updated by one row in and one row out, then slid along each row."""
    height, width = values.shape
    sums = np.empty((height - b + 1, width - b + 1), np.float64)
    columns = np.zeros(width, np.float64)
    prefix = np.empty(width + 1, np.float64)
    prefix[0] = 0.0
    for row in range(height):
        for col in range(width):
            columns[col] += values[row, col]
        if row >= b:
            for col in range(width):
                columns[col] -= values[row - b, col]
        if row >= b - 1:
            total = 0.0
            for col in range(width):
                total += columns[col]
                prefix[col + 1] = total
            out = sums[row - b + 1]
            for col in range(width - b + 1):
                out[col] = prefix[col + b] - prefix[col]
    return sums

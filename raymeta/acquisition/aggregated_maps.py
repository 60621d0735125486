"""Aggregated maps: the sum of a priority map over every box at stride 1 (docs/method.md#aggregated-map)."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raymeta.argument_checks import check_array
from raymeta.boxes import check_box_width
from raymeta.compilation import njit

STEPS: Final = np.float32(1 << 24)
"""Maps are multiples of 1/STEPS (docs/method.md#rounding-of-maps): a float32 holds them, and float64 sums are exact."""


def aggregate(priority_map: NDArray[Any], box_width: int) -> NDArray[np.float64]:
    """Sum of the map over every box; a cell stands for the box with that top-left pixel.

    priority_map: (H, W) bool, integer or float. Returns (H-b+1, W-b+1) float64: exact for integers and for multiples
    of 2⁻²⁴ in [0, 1]. For any other map too, a box of zeros gives 0, since values are only added, never taken away.

    Raises:
        ValueError: no array of numbers, another number of dimensions, or a box that doesn't fit into the map.
    """
    check_array("priority_map", priority_map)
    if priority_map.ndim != 2:
        raise ValueError(f"priority_map has shape {priority_map.shape}: give (H, W)")
    check_box_width(box_width, *priority_map.shape)
    if priority_map.dtype not in (np.float32, np.float64, np.uint8):
        priority_map = priority_map.astype(np.uint8 if priority_map.dtype == np.bool_ else np.float64)
    values = np.ascontiguousarray(priority_map)
    height, width = values.shape
    sums = np.empty((height - int(box_width) + 1, width - int(box_width) + 1), np.float64)
    steps = STEPS if values.dtype == np.float32 else np.float32(1)
    if values.dtype == np.float64 or not _running_sums(values, int(box_width), steps, sums):
        _box_sums(values, int(box_width), sums)
    return sums


@njit(cache=True, nogil=True, error_model="numpy")
def _running_sums(values, b, steps, sums):  # type: ignore[no-untyped-def]
    """Box sums of (H, W) uint8, or of float32 multiples of 2⁻²⁴ in [0, 1], in whole numbers: exact in any order.

    A row comes in below and one goes out above, then so do columns. Returns False, with `sums` half-filled, where a
    value is no such multiple. steps: units of a whole.
    """
    height, width = values.shape
    unit = 1.0 / np.float64(steps)
    rows = np.empty((b, width), np.int32)  # the last b of them, in units of 1/steps
    columns = np.zeros(width, np.int64)
    ahead = np.empty(width + 1, np.int64)
    ahead[0] = 0
    for row in range(height):
        line, kept = values[row], rows[row % b]
        if row >= b:
            for col in range(width):
                columns[col] -= kept[col]
        fits = True
        for col in range(width):
            scaled = np.float32(line[col]) * steps
            inside = scaled >= np.float32(0) and scaled <= STEPS
            whole = np.int32(scaled if inside else np.float32(-1))
            kept[col] = whole
            fits &= np.float32(whole) == scaled
        if not fits:
            return False
        for col in range(width):
            columns[col] += kept[col]
        if row < b - 1:
            continue
        for col in range(width):
            ahead[col + 1] = ahead[col] + columns[col]
        out = sums[row - b + 1]
        for col in range(width - b + 1):
            out[col] = np.float64(ahead[col + b] - ahead[col]) * unit
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def _box_sums(values, b, sums):  # type: ignore[no-untyped-def]
    """Box sums of any (H, W) values, by prefix and suffix sums over blocks of b rows, then of b columns.

    A window of b rows is the end of one block and the start of the next: two sums that are already there.
    """
    height, width = values.shape
    ends = np.zeros((b, width), np.float64)  # row r: sum from row r of the block to its last
    start = np.zeros(width, np.float64)  # sum from the first row of the next block to the current one
    columns = np.empty(width, np.float64)
    ahead = np.empty(width, np.float64)
    for top in range(height - b + 1):
        row = top % b
        if row == 0:
            start[:] = 0.0
            ends[b - 1] = values[top + b - 1]
            for r in range(b - 2, -1, -1):
                for col in range(width):
                    ends[r, col] = ends[r + 1, col] + values[top + r, col]
            columns[:] = ends[0]
        else:
            for col in range(width):
                start[col] += values[top + b - 1, col]
                columns[col] = ends[row, col] + start[col]
        _slide(columns, b, ahead, sums[top])


@njit(cache=True, nogil=True, error_model="numpy")
def _slide(columns, b, ahead, out):  # type: ignore[no-untyped-def]
    """Write the sum of every b neighbours of `columns` (W,) to `out` (W-b+1,); `ahead` (W,) is room to work in."""
    width = columns.shape[0]
    for first in range(0, width, b):
        total = 0.0
        for col in range(first, min(first + b, width)):
            total += columns[col]
            ahead[col] = total
    for first in range(0, width - b + 1, b):
        total = 0.0
        for col in range(min(first + b, width) - 1, first, -1):
            total += columns[col]
            if col < width - b + 1:
                out[col] = total + ahead[col + b - 1]
        out[first] = ahead[first + b - 1]

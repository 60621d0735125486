"""Clicks of every box of an image, and the priority made of them (docs/method.md#normalised-click-priority)."""

from typing import Any, Final

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
    return aggregate(unlabelled_clicks(clicks, labelled_mask), box_width)


def unlabelled_clicks(clicks: NDArray[np.uint8], labelled_mask: NDArray[np.bool_] | None = None) -> NDArray[np.uint8]:
    """κ, (H, W) uint8, without that of labelled pixels: the same array where nothing is labelled."""
    if labelled_mask is None or not labelled_mask.any():
        return clicks
    return clicks * (~labelled_mask).view(np.uint8)


def unlabelled_counts(
    clicks: NDArray[np.uint8], labelled: NDArray[np.bool_], tops: NDArray[Any], lefts: NDArray[Any], box_width: int
) -> NDArray[np.int64]:
    """Unlabelled pixels with a click, and all unlabelled pixels, of some boxes: (2, N) int64.

    clicks: (H, W) uint8 κ. labelled: (H, W) bool. tops, lefts: (N,) integers.
    """
    counts = np.zeros((2, len(tops)), np.int64)
    marks = unlabelled_clicks(clicks, labelled)
    _count_pixels(marks, tops, lefts, box_width, counts[0])
    if marks is not clicks:  # memory that isn't read costs nothing
        _count_pixels(labelled.view(np.uint8), tops, lefts, box_width, counts[1])
    counts[1] = int(box_width) ** 2 - counts[1]
    return counts


def normalized_clicks(
    clicks: NDArray[np.uint8], box_width: int, clicks_max: int | None, labelled_mask: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """`(unlabelled(B)/b²)·max(0.001, 1 - clicks(B)/clicks_max)` for every box, clicks over unlabelled pixels.

    clicks: (H, W) uint8 κ. clicks_max: largest count of a box on the sample. labelled_mask: (H, W) bool, or None.
    Returns (H-b+1, W-b+1) float64 in [0, 1].

    Raises:
        ValueError: no clicks_max, or one below 1.
    """
    clicks_max = _checked_max(clicks_max)
    factor = box_click_counts(clicks, box_width, labelled_mask)
    _to_factor(factor.reshape(-1), float(clicks_max))
    if labelled_mask is not None and labelled_mask.any():
        factor *= aggregate(~labelled_mask, box_width) / int(box_width) ** 2
    return factor


def multiply_by_normalized(
    gain: NDArray[np.float64],
    clicks: NDArray[np.uint8],
    box_width: int,
    clicks_max: int | None,
    labelled_mask: NDArray[np.bool_] | None = None,
) -> None:
    """`gain *= normalized_clicks(…)`, bit for bit, in one pass where nothing is labelled.

    gain: (H-b+1, W-b+1) float64, overwritten. The rest, and errors, as for `normalized_clicks`.
    """
    clicks_max = _checked_max(clicks_max)
    if labelled_mask is not None and labelled_mask.any():
        gain *= normalized_clicks(clicks, box_width, clicks_max, labelled_mask)
    else:
        _multiply_by_factors(clicks, int(box_width), float(clicks_max), gain)


def _checked_max(clicks_max: int | None) -> int:
    if clicks_max is None:
        raise ValueError("clicks_max None: the normalised click priority needs a largest count of at least 1")
    return whole_number("clicks_max", clicks_max, least=1)


@njit(inline="always")
def _factor(count, clicks_max):  # type: ignore[no-untyped-def]
    return max(count / -clicks_max + 1.0, MIN_FACTOR)


@njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def _multiply_by_factors(clicks, b, clicks_max, gain):  # type: ignore[no-untyped-def]
    """Multiply each gain (H-b+1, W-b+1) by the factor of its box, from clicks (H, W) uint8."""
    height, width = clicks.shape
    columns = np.zeros(width, np.int64)
    ahead = np.zeros(width + 1, np.int64)
    for row in range(height):
        line = clicks[row]
        if row < b:
            for col in range(width):
                columns[col] += line[col]
        else:
            past = clicks[row - b]
            for col in range(width):
                columns[col] += np.int64(line[col]) - np.int64(past[col])
        if row < b - 1:
            continue
        total = 0
        for col in range(width):
            total += columns[col]
            ahead[col + 1] = total
        out, begins, ends = gain[row - b + 1], ahead[: width - b + 1], ahead[b:]
        for col in range(out.shape[0]):
            out[col] *= _factor(np.float64(ends[col] - begins[col]), clicks_max)


@njit(cache=True, nogil=True, error_model="numpy")
def _to_factor(counts, clicks_max):  # type: ignore[no-untyped-def]
    """Write `max(MIN_FACTOR, 1 - count/clicks_max)` in place of (N,) counts."""
    for index in range(counts.shape[0]):
        counts[index] = _factor(counts[index], clicks_max)


@njit(cache=True, nogil=True, boundscheck=False)
def _count_pixels(marks, tops, lefts, b, counts):  # type: ignore[no-untyped-def]
    """Add the marked pixels (H, W) of every box to `counts` (boxes,)."""
    for box in range(tops.shape[0]):
        left = lefts[box]
        for y in range(tops[box], tops[box] + b):
            line = marks[y, left : left + b]
            marked = np.int32(0)
            for x in range(b):
                marked += np.int32(line[x] != 0)
            counts[box] += marked

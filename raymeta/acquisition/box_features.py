"""What the prediction says of a box's clicks: the features of the cost model (docs/method.md#box-features).

All sums are of whole numbers or multiples of 2⁻²⁴, so they are exact in any order.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from raymeta.acquisition.cell_sums import (
    Places,
    add_columns,
    box_totals,
    cuts_of,
    edges,
    sums_at,
    totals_of_cells,
)
from raymeta.compilation import njit
from raymeta.errors import InputError

FEATURES: Final = ("estimated_clicks", "ring_changes", "inner_changes", "components", "entropy")
"""Features before the shares of the classes."""


def feature_names(num_classes: int) -> list[str]:
    """Columns of `box_features`, in their order."""
    return [*FEATURES, *(f"class_share_{index}" for index in range(num_classes))]


def lattice(length: int, box_width: int) -> NDArray[np.int64]:
    """First pixels along one side of the boxes whose cost is predicted: every b/8, and the last that fits.

    Args:
        length: of the image's side, at least the box width.
        box_width: b, pixels.

    Returns:
        (N,) int64, ascending.
    """
    last = length - box_width
    starts = np.arange(0, last + 1, max(1, box_width // 8), dtype=np.int64)
    return starts if starts[-1] == last else np.append(starts, last)


def tiling(length: int, box_width: int) -> NDArray[np.int64]:
    """First pixels along one side of boxes side by side: (N,) int64."""
    return np.arange(0, length - box_width + 1, box_width, dtype=np.int64)


def box_features(
    label_map: NDArray[np.uint8],
    clicks: NDArray[np.uint8],
    entropy: NDArray[np.float32],
    tops: NDArray[np.int64],
    lefts: NDArray[np.int64],
    box_width: int,
    num_classes: int,
) -> NDArray[np.float64]:
    """Features of the boxes at every pair of a top and a left.

    Args:
        label_map: (H, W) uint8, the prediction.
        clicks: (H, W) uint8 κ, its estimated vertices.
        entropy: (H, W) float32, multiples of 2⁻²⁴.
        tops, lefts: (T,) and (L,) int64, ascending.
        box_width: b, pixels, at least 2.
        num_classes: C.

    Returns:
        (T·L, 5 + C) float64, row by row of the boxes; see `feature_names`.

    Raises:
        InputError: boxes of one pixel, which have neither ring nor inside.
    """
    if box_width < 2:
        raise InputError(f"box_width {box_width} has no inside: cost learned needs at least 2 pixels")
    features = np.empty((len(tops), len(lefts), len(FEATURES) + num_classes))
    features[..., 0] = sums_at(clicks, tops, lefts, box_width)
    features[..., 1:4] = _changes(label_map, tops, lefts, box_width)
    features[..., 4] = sums_at(entropy, tops, lefts, box_width) / box_width**2
    features[..., len(FEATURES) :] = _class_counts(label_map, tops, lefts, box_width, num_classes) / box_width**2
    return features.reshape(len(tops) * len(lefts), -1)


def _class_counts(labels: NDArray[np.uint8], tops: Places, lefts: Places, b: int, classes: int) -> NDArray[np.int64]:
    """(T, L, C): pixels of each class."""
    rows, cols = cuts_of(tops, 0, b), cuts_of(lefts, 0, b)
    counts = np.zeros((len(rows) - 1, len(cols) - 1, classes), np.int64)
    _count_classes(labels, rows, cols, counts)
    boxes: NDArray[np.int64] = box_totals(totals_of_cells(counts), edges(rows, tops, 0, b), edges(cols, lefts, 0, b))
    return boxes


def _changes(labels: NDArray[np.uint8], tops: Places, lefts: Places, b: int) -> NDArray[np.float64]:
    """(T, L, 3): changes along the ring, changes inside, components less holes.

    A pair or a quad belongs to its first pixel, so that those of a box end before its last row or column.
    """
    rows, cols = cuts_of(tops, 0, 1, b - 1, b), cuts_of(lefts, 0, 1, b - 1, b)
    sums = np.zeros((3, len(rows) - 1, len(cols) - 1), np.int64)
    _sum_changes(labels, rows, cols, sums)
    side, height, corner = (totals_of_cells(plane) for plane in sums)
    all_rows, all_cols = edges(rows, tops, 0, b), edges(cols, lefts, 0, b)
    inside_rows, inside_cols = edges(rows, tops, 0, b - 1), edges(cols, lefts, 0, b - 1)
    ring = np.zeros((len(tops), len(lefts)), np.int64)
    for shift in (0, b - 1):
        ring += box_totals(side, edges(rows, tops, shift, shift + 1), inside_cols)
        ring += box_totals(height, inside_rows, edges(cols, lefts, shift, shift + 1))
    inner = box_totals(side, all_rows, inside_cols) + box_totals(height, inside_rows, all_cols)
    return np.stack([ring, inner, 1 + ring / 2 + box_totals(corner, inside_rows, inside_cols) / 4], axis=-1)


@njit(cache=True, nogil=True, boundscheck=False)
def _count_classes(labels, rows, cols, counts):  # type: ignore[no-untyped-def]
    """Count the pixels of each label in each cell: `counts` (len(rows) - 1, len(cols) - 1, C)."""
    for i in range(rows.shape[0] - 1):
        for y in range(rows[i], rows[i + 1]):
            for j in range(cols.shape[0] - 1):
                cell = counts[i, j]
                for x in range(cols[j], cols[j + 1]):
                    cell[labels[y, x]] += 1


@njit(cache=True, nogil=True, boundscheck=False)
def _sum_changes(labels, rows, cols, sums):  # type: ignore[no-untyped-def]
    """Add pairs to the right, pairs down and quads up over cells: `sums` (3, len(rows) - 1, len(cols) - 1).

    Columns are added up over a cell's rows first, which vectorises.
    """
    first = cols[0]
    width = cols[-1] - first
    pairs = min(width, labels.shape[1] - 1 - first)  # the last pixel of a row has none to its right
    side, height, corner = np.empty(width, np.int32), np.empty(width, np.int32), np.empty(width, np.int32)
    for i in range(rows.shape[0] - 1):
        side[:] = 0
        height[:] = 0
        corner[:] = 0
        for y in range(rows[i], rows[i + 1]):
            here = labels[y, first:]
            for x in range(pairs):
                side[x] += np.int32(here[x] != here[x + 1])
            if y + 1 < labels.shape[0]:
                below = labels[y + 1, first:]
                for x in range(width):
                    height[x] += np.int32(here[x] != below[x])
                for x in range(pairs):
                    corner[x] += _quarters(here[x], here[x + 1], below[x], below[x + 1])
        add_columns(side, cols, sums[0, i])
        add_columns(height, cols, sums[1, i])
        add_columns(corner, cols, sums[2, i])


@njit(inline="always")
def _quarters(a, b, c, d):  # type: ignore[no-untyped-def]
    """Four times what the quad a b / c d adds to components minus holes of all labels, 8-connected.

    A label that has one of the four pixels adds 1, three of them -1, two on a diagonal -2. Without a branch, as int32,
    so that loops over quads vectorise.
    """
    straight = ((a == b) & (c == d)) | ((a == c) & (b == d))  # all alike, or halves
    one_diagonal, both_diagonals = (a == d) | (b == c), (a == d) & (b == c)
    some_pair = (a == b) | (a == c) | (b == d) | (c == d)
    value = np.int32(2) if some_pair else np.int32(4)
    value = np.int32(0) if one_diagonal else value  # a diagonal pair, or three alike
    value = np.int32(-4) if both_diagonals else value
    return np.int32(0) if straight else value

"""What the prediction says of a box's clicks: the features of the cost model (docs/method.md#box-features).

All sums are of whole numbers or multiples of 2⁻²⁴, so they are exact in any order.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from raymeta.compilation import njit
from raymeta.errors import InputError

SUMMED: Final = ("estimated_clicks", "side_changes", "height_changes", "corners", "entropy")
"""What is summed over pixels or over pairs and quads of them; `corners` in quarters."""

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
    rows, cols = _cuts(tops, box_width), _cuts(lefts, box_width)
    sums = np.zeros((len(SUMMED) + num_classes, len(rows), len(cols)))
    _sum_cells(label_map, clicks, entropy, _cell_of(rows, len(label_map)), _cell_of(cols, label_map.shape[1]), sums)
    table = np.zeros((sums.shape[0], len(rows) + 1, len(cols) + 1))
    np.cumsum(np.cumsum(sums, axis=1), axis=2, out=table[:, 1:, 1:])
    return _features(table, _Edges(rows, tops, box_width), _Edges(cols, lefts, box_width), box_width)


class _Edges:
    """Where the cuts of a side have the first pixel, the second, the last and the one behind of every box."""

    def __init__(self, cuts: NDArray[np.int64], starts: NDArray[np.int64], b: int) -> None:
        self.first, self.second, self.last, self.end = (
            np.searchsorted(cuts, starts + shift) for shift in (0, 1, b - 1, b)
        )


def _cuts(starts: NDArray[np.int64], b: int) -> NDArray[np.int64]:
    return np.unique(np.concatenate([[0], starts, starts + 1, starts + b - 1, starts + b]))


def _cell_of(cuts: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """(length,) int64: the cell between two cuts in which each pixel lies."""
    return np.searchsorted(cuts, np.arange(length), side="right") - 1


def _features(table: NDArray[np.float64], y: _Edges, x: _Edges, b: int) -> NDArray[np.float64]:
    """Features from the sums over all cells above and to the left of each cut, (F, rows + 1, cols + 1)."""
    rows, cols = (y.first, y.end), (x.first, x.end)
    rows_inside, cols_inside = (y.first, y.last), (x.first, x.last)  # first pixels of pairs and quads in the box
    clicks, side, height, corner, entropy, *classes = table
    ring = _totals(side, (y.first, y.second), cols_inside) + _totals(side, (y.last, y.end), cols_inside)
    ring += _totals(height, rows_inside, (x.first, x.second)) + _totals(height, rows_inside, (x.last, x.end))
    columns = [
        _totals(clicks, rows, cols),
        ring,
        _totals(side, rows, cols_inside) + _totals(height, rows_inside, cols),
        1 + ring / 2 + _totals(corner, rows_inside, cols_inside) / 4,
        _totals(entropy, rows, cols) / b**2,
        *(_totals(plane, rows, cols) / b**2 for plane in classes),
    ]
    return np.column_stack(columns)


def _totals(
    sums: NDArray[np.float64],
    rows: tuple[NDArray[np.int64], NDArray[np.int64]],
    cols: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> NDArray[np.float64]:
    """(T·L,) float64: sums between two cuts along each side, for every pair of a top and a left."""
    upper, lower = sums[rows[0]], sums[rows[1]]
    boxes: NDArray[np.float64] = lower[:, cols[1]] - lower[:, cols[0]] - upper[:, cols[1]] + upper[:, cols[0]]
    return boxes.ravel()


@njit(cache=True, nogil=True, boundscheck=False)
def _quarters(a, b, c, d):  # type: ignore[no-untyped-def]
    """Four times what the quad a b / c d adds to components minus holes of all labels, 8-connected.

    A label that has one of the four pixels adds 1, three of them -1, two on a diagonal -2.
    """
    if a == b and c == d:
        return 0
    if a == c and b == d:
        return 0
    if a == d and b == c:
        return -4
    if a == d or b == c:  # a diagonal pair, or three alike
        return 0
    if a in (b, c) or d in (b, c):
        return 2
    return 4


@njit(cache=True, nogil=True, boundscheck=False)
def _sum_cells(labels, clicks, entropy, cell_rows, cell_cols, sums):  # type: ignore[no-untyped-def]
    """Add every pixel, its pairs to the right and down, and its quad to its cell of `sums` (F, rows, cols)."""
    height, width = labels.shape
    for y in range(height):
        i = cell_rows[y]
        for x in range(width):
            j = cell_cols[x]
            label = labels[y, x]
            sums[0, i, j] += clicks[y, x]
            sums[4, i, j] += entropy[y, x]
            sums[5 + label, i, j] += 1.0
            right = x + 1 < width
            down = y + 1 < height
            if right and labels[y, x + 1] != label:
                sums[1, i, j] += 1.0
            if down and labels[y + 1, x] != label:
                sums[2, i, j] += 1.0
            if right and down:
                sums[3, i, j] += _quarters(label, labels[y, x + 1], labels[y + 1, x], labels[y + 1, x + 1])

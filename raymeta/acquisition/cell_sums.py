"""Sums over boxes at chosen corners, by way of the cells between their edges: far fewer numbers than pixels.

Values are whole numbers, or multiples of 2⁻²⁴ in [0, 1], so that sums are exact in any order.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from raymeta.compilation import njit

Places = NDArray[np.int64]


def cuts_of(starts: Places, *shifts: int) -> Places:
    """Where one side of an image is cut: at every start moved by every shift, (N,) int64, ascending."""
    return np.unique(np.concatenate([starts + shift for shift in shifts]))


def sums_at(values: NDArray[Any], tops: Places, lefts: Places, box_width: int) -> NDArray[np.float64]:
    """Sum of a map over the box at every pair of a top and a left: (T, L) float64, those of `aggregate` bit for bit.

    Args:
        values: (H, W) uint8, or float32 multiples of 2⁻²⁴ in [0, 1].
        tops, lefts: (T,) and (L,) int64, ascending, inside the image.
        box_width: b, pixels.
    """
    rows, cols = cuts_of(tops, 0, box_width), cuts_of(lefts, 0, box_width)
    table = totals_of_cells(sum_cells(values, rows, cols))
    return box_totals(table, edges(rows, tops, 0, box_width), edges(cols, lefts, 0, box_width))


def sum_cells(values: NDArray[Any], rows: Places, cols: Places) -> NDArray[np.float64]:
    """Sum of (H, W) values over each cell between two cuts: (len(rows) - 1, len(cols) - 1) float64."""
    sums = np.zeros((len(rows) - 1, len(cols) - 1))
    _sum_cells(values, rows, cols, sums)
    return sums


def totals_of_cells(sums: NDArray[Any]) -> NDArray[Any]:
    """Sums (R, L, …) of all cells above and to the left of each cut: (R + 1, L + 1, …)."""
    table = np.zeros((sums.shape[0] + 1, sums.shape[1] + 1, *sums.shape[2:]), sums.dtype)
    np.cumsum(np.cumsum(sums, axis=0), axis=1, out=table[1:, 1:])
    return table


def edges(cuts: Places, starts: Places, first: int, end: int) -> tuple[Places, Places]:
    """Which cuts lie `first` and `end` pixels behind each start."""
    return np.searchsorted(cuts, starts + first), np.searchsorted(cuts, starts + end)


def box_totals(table: NDArray[Any], rows: tuple[Places, Places], cols: tuple[Places, Places]) -> NDArray[Any]:
    """Sums between two cuts along each side, for every pair of a top and a left: (T, L, …)."""
    strips = table[rows[1]] - table[rows[0]]
    boxes: NDArray[Any] = strips[:, cols[1]] - strips[:, cols[0]]
    return boxes


@njit(cache=True, nogil=True, boundscheck=False)
def _sum_cells(values, rows, cols, sums):  # type: ignore[no-untyped-def]
    """Fill `sums`; columns are added up over a cell's rows first, which vectorises."""
    first, width = cols[0], cols[-1] - cols[0]
    columns = np.empty(width, np.float64)
    for i in range(rows.shape[0] - 1):
        columns[:] = 0.0
        for y in range(rows[i], rows[i + 1]):
            line = values[y, first : first + width]
            for x in range(width):
                columns[x] += line[x]
        add_columns(columns, cols, sums[i])


@njit(cache=True, nogil=True, boundscheck=False)
def add_columns(columns, cols, sums):  # type: ignore[no-untyped-def]
    """Add (cols[-1] - cols[0],) sums of columns up over the cells of a row, to `sums` (len(cols) - 1,)."""
    for j in range(sums.shape[0]):
        for x in range(cols[j] - cols[0], cols[j + 1] - cols[0]):
            sums[j] += columns[x]

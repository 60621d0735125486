"""The greedy sequence of one image's boxes: best first, none overlapping an earlier one (docs/method.md#candidates)."""

from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.argument_checks import check_array, whole_number
from raymeta.compilation import njit
from raymeta.schemas import BOX_SCHEMA

TILE: Final = 64
"""Columns whose highest score is kept: a taken box then changes few scores that have to be read again."""


def greedy_boxes(
    aggregated_map: NDArray[np.float64],
    box_width: int,
    limit: int | None = None,
    min_score: float = 0.0,
    *,
    overwrite: bool = False,
    tops: NDArray[np.int64] | None = None,
    lefts: NDArray[np.int64] | None = None,
) -> pa.Table:
    """Take the highest score, forbid all boxes that overlap it, repeat; ties go to the lowest top, then left.

    aggregated_map: (H-b+1, W-b+1) float64 scores of the boxes with that top-left pixel. limit: at most this many boxes.
    overwrite: the map isn't needed any more, so that no copy of it is worked in. tops, lefts: ascending int64, where
    the map holds the boxes at every pair of them instead of at every pixel.
    Returns a table of BOX_SCHEMA in rank order, only scores > 0 and >= min_score.

    Raises:
        ValueError: no array of numbers, another number of dimensions, nan scores or min_score, a box width below 1 or a
            limit below 0.
    """
    check_array("aggregated_map", aggregated_map)
    if aggregated_map.ndim != 2:
        raise ValueError(f"aggregated_map has shape {aggregated_map.shape}: give (H-b+1, W-b+1)")
    box_width = whole_number("box_width", box_width, least=1)
    limit = None if limit is None else whole_number("limit", limit)
    if not isinstance(min_score, (int, float, np.number)) or np.isnan(min_score):
        raise ValueError(f"min_score {min_score} isn't a number to compare scores with: give for instance 0.0")
    scores = np.array(aggregated_map, dtype=np.float64, order="C", copy=None if overwrite else True)
    if np.isnan(scores.sum()) and np.isnan(scores).any():  # the sum alone is nan for inf - inf too
        raise ValueError("aggregated_map holds nan: give scores that are numbers")
    rows = np.arange(scores.shape[0]) if tops is None else tops
    cols = np.arange(scores.shape[1]) if lefts is None else lefts
    if scores.shape != (len(rows), len(cols)):
        raise ValueError(f"aggregated_map has shape {scores.shape} for {len(rows)} tops and {len(cols)} lefts")
    # Corners of boxes without overlap are a box width apart in one direction.
    most = int(np.ptp(rows) // box_width + 1) * int(np.ptp(cols) // box_width + 1) if scores.size else 0
    count = most if limit is None else min(limit, most)
    best, first_rows, first_cols = _greedy(scores, rows, cols, box_width, count, float(min_score))
    return pa.table([pa.array(best), pa.array(first_rows), pa.array(first_cols)], schema=BOX_SCHEMA)


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz", "reassoc"})
def _highest(values):  # type: ignore[no-untyped-def]
    """Maximum of a vector, -inf for none."""
    highest = -np.inf
    for index in range(values.shape[0]):
        highest = values[index] if values[index] > highest else highest
    return highest


@njit(cache=True, nogil=True)
def _forbid(scores, tiles, first, last):  # type: ignore[no-untyped-def]
    """Forbid columns first:last of one row of `scores` (cols,) and bring the maxima `tiles` of its tiles up to date."""
    cols = scores.shape[0]
    for tile in range(first // TILE, (last - 1) // TILE + 1):
        start, end = tile * TILE, min((tile + 1) * TILE, cols)
        if first <= start and end <= last:
            tiles[tile] = -np.inf  # its scores are never read again
        elif tiles[tile] > -np.inf:
            scores[max(first, start) : min(last, end)] = -np.inf
            tiles[tile] = _highest(scores[start:end])


@njit(cache=True, nogil=True)
def _first_column(scores, tiles, score):  # type: ignore[no-untyped-def]
    """Lowest column of a row that holds `score`, its maximum."""
    for tile in range(tiles.shape[0]):
        if tiles[tile] == score:
            for col in range(tile * TILE, min((tile + 1) * TILE, scores.shape[0])):
                if scores[col] == score:
                    return col
    return -1


@njit(cache=True, nogil=True)
def _greedy(scores, row_places, col_places, b, count, min_score):  # type: ignore[no-untyped-def]
    """Scores, tops and lefts of at most `count` boxes; `scores` (rows, cols) is overwritten.

    row_places, col_places: the tops and lefts of its rows and columns, ascending.

    Keeps the maximum of every row and of every tile of a row; a taken box changes only what it overlaps.
    """
    rows, cols = scores.shape
    tiles = np.empty((rows, (cols + TILE - 1) // TILE), np.float64)
    best = np.full(rows, -np.inf)
    for row in range(rows):
        for tile in range(tiles.shape[1]):
            tiles[row, tile] = _highest(scores[row, tile * TILE : (tile + 1) * TILE])
        best[row] = _highest(tiles[row])
    taken = np.empty(count, np.float64)
    tops = np.empty(count, np.int32)
    lefts = np.empty(count, np.int32)
    found = 0
    while found < count:
        upper = np.argmax(best)  # the first of equal ones: the lowest top
        score = best[upper]
        if not (score > 0.0 and score >= min_score):
            break
        top, left = row_places[upper], col_places[_first_column(scores[upper], tiles[upper], score)]
        taken[found], tops[found], lefts[found] = score, top, left
        found += 1
        first, last = np.searchsorted(col_places, left - b + 1), np.searchsorted(col_places, left + b)
        for row in range(np.searchsorted(row_places, top - b + 1), np.searchsorted(row_places, top + b)):
            _forbid(scores[row], tiles[row], first, last)
            best[row] = _highest(tiles[row])
    return taken[:found].copy(), tops[:found].copy(), lefts[:found].copy()

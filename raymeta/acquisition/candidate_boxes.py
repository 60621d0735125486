"""The greedy sequence of one image's boxes: best first, none overlapping an earlier one (DESIGN 2.5)."""

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from raymeta.schemas import BOX_SCHEMA


def greedy_boxes(
    aggregated_map: NDArray[np.float64], box_width: int, limit: int | None = None, min_score: float = 0.0
) -> pa.Table:
    """Take the highest score, forbid all boxes that overlap it, repeat; ties go to the lowest top, then left.

    aggregated_map: (H-b+1, W-b+1) float64 scores of the boxes with that top-left pixel. limit: at most this many.
    Returns a table of BOX_SCHEMA in rank order, only scores > 0 and >= min_score.

    Raises:
        ValueError: another number of dimensions, nan scores, a box width or limit below its least value.
    """
    if aggregated_map.ndim != 2:
        raise ValueError(f"aggregated_map has shape {aggregated_map.shape}: give (H-b+1, W-b+1)")
    if box_width < 1 or (limit is not None and limit < 0):
        raise ValueError(f"box_width {box_width} and limit {limit}: choose at least 1 and 0")
    scores = np.array(aggregated_map, dtype=np.float64, order="C")
    if np.isnan(scores.sum()) and np.isnan(scores).any():
        raise ValueError("aggregated_map holds nan: scores must be numbers")
    most = _most_boxes(*scores.shape, box_width)
    count = most if limit is None else min(limit, most)
    best, tops, lefts = _greedy(scores, box_width, count, float(min_score))
    return pa.table([pa.array(best), pa.array(tops), pa.array(lefts)], schema=BOX_SCHEMA)


def _most_boxes(rows: int, cols: int, box_width: int) -> int:
    """Most boxes without overlap: their corners are at least a box width apart in one direction."""
    return -(-rows // box_width) * -(-cols // box_width)


@njit(cache=True, nogil=True)
def _row_best(scores, row):  # type: ignore[no-untyped-def]
    """Column of the highest score of a row, the lowest one on ties."""
    values = scores[row]
    highest = values[0]
    for col in range(values.shape[0]):
        highest = max(highest, values[col])
    for col in range(values.shape[0]):
        if values[col] == highest:
            return col
    return 0


@njit(cache=True, nogil=True)
def _greedy(scores, b, count, min_score):  # type: ignore[no-untyped-def]
    """Keeps the best column of every row; a taken box changes only the rows that its overlaps reach.

    `scores` is overwritten: forbidden boxes become -inf.
    """
    rows, cols = scores.shape
    best_col = np.empty(rows, np.int64)
    best = np.empty(rows, np.float64)
    for row in range(rows):
        best_col[row] = _row_best(scores, row)
        best[row] = scores[row, best_col[row]]
    taken = np.empty(count, np.float64)
    tops = np.empty(count, np.int32)
    lefts = np.empty(count, np.int32)
    found = 0
    while found < count:
        top = int(np.argmax(best))  # the first of equal ones: the lowest top
        score, left = best[top], best_col[top]
        if not (score > 0.0 and score >= min_score):
            break
        taken[found], tops[found], lefts[found] = score, top, left
        found += 1
        first, last = max(left - b + 1, 0), min(left + b, cols)
        for row in range(max(top - b + 1, 0), min(top + b, rows)):
            scores[row, first:last] = -np.inf
            if first <= best_col[row] < last:  # elsewhere the row's best is untouched
                best_col[row] = _row_best(scores, row)
                best[row] = scores[row, best_col[row]]
    return taken[:found].copy(), tops[:found].copy(), lefts[:found].copy()

"""Horizontal runs of equal labels and their 8-connected components: what segments are made of, summed and compared by.

Runs are far fewer than pixels, so components are found by going along the runs of adjacent rows.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from raymeta.compilation import njit
from raymeta.label_runs import run_starts
from raymeta.schemas import IGNORE

ValueT = TypeVar("ValueT", np.int32, np.float32)


@dataclass(frozen=True)
class RowRuns:
    """The runs of every row of a (H, W) label map, and the component to which each belongs.

    All entries stand for a run, but the last of each row, which stands for the end of the row.
    starts: int32, first column; W at the end of a row. A run ends where the next entry starts.
    first: (H + 1,) int64, entry with which each row begins.
    labels: uint8. components: int32, 1..n in the order of the first pixel in raster order; 0 where ignored.
    sizes: (n + 1,) int64, pixels of each component; entry 0 counts the ignored. classes: (n,) int32, their labels.
    """

    starts: NDArray[np.int32]
    first: NDArray[np.int64]
    labels: NDArray[np.uint8]
    components: NDArray[np.int32]
    sizes: NDArray[np.int64]
    classes: NDArray[np.int32]

    def painted(self, values: NDArray[ValueT]) -> NDArray[ValueT]:
        """(H, W): each component with its value. values: (n + 1,), the first for what is ignored."""
        height = len(self.first) - 1
        painted = np.empty((height, int(self.starts[-1])), values.dtype)
        _paint(self.starts, self.first, self.components, values, painted)
        return painted


def row_runs(label_map: NDArray[np.uint8]) -> RowRuns:
    """Runs and components of a label map, (H, W) uint8, 255 = ignored."""
    starts, first = run_starts(label_map)
    return RowRuns(starts, first, *_join_runs(label_map, starts, first))


@njit(cache=True, nogil=True)
def _paint(starts, first, components, values, painted):  # type: ignore[no-untyped-def]
    """Fill `painted` (H, W) from the arrays of RowRuns and the (n + 1,) values of their components."""
    for row in range(painted.shape[0]):
        line = painted[row]
        for run in range(first[row], first[row + 1] - 1):
            line[starts[run] : starts[run + 1]] = values[components[run]]


@njit(cache=True, nogil=True)
def _root(parents, run):  # type: ignore[no-untyped-def]
    """The first run of a component; makes the way there shorter."""
    while parents[run] != run:
        parents[run] = parents[parents[run]]
        run = parents[run]
    return run


@njit(cache=True, nogil=True)
def _join_runs(label_map, starts, first):  # type: ignore[no-untyped-def]
    """Labels, components, sizes and classes; see RowRuns."""
    ignore = np.uint8(IGNORE)
    labels = np.full(len(starts), ignore, dtype=np.uint8)
    parents = np.arange(len(starts), dtype=np.int32)
    for row in range(len(first) - 1):
        above = first[row - 1] if row > 0 else first[row]
        above_end = first[row] - 1
        for run in range(first[row], first[row + 1] - 1):
            label = labels[run] = label_map[row, starts[run]]
            if label == ignore:
                continue
            while above < above_end and starts[above + 1] < starts[run]:
                above += 1
            near = above
            while near < above_end and starts[near] <= starts[run + 1]:
                if labels[near] == label:
                    a, b = _root(parents, near), _root(parents, run)
                    parents[max(a, b)] = min(a, b)
                near += 1
    components = np.zeros(len(starts), dtype=np.int32)
    sizes = np.zeros(len(starts) + 1, dtype=np.int64)
    classes = np.empty(len(starts), dtype=np.int32)
    count = 0
    for row in range(len(first) - 1):
        for run in range(first[row], first[row + 1] - 1):
            if labels[run] != ignore:
                root = _root(parents, run)
                if root == run:
                    classes[count] = labels[run]
                    count += 1
                    components[run] = count
                else:
                    components[run] = components[root]
            sizes[components[run]] += starts[run + 1] - starts[run]
    return labels, components, sizes[: count + 1].copy(), classes[:count].copy()

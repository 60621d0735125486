"""Segments: the 8-connected components of a label map, and their boundary pixels."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raymeta.compilation import njit
from raymeta.metaseg.row_runs import RowRuns, row_runs
from raymeta.schemas import IGNORE


@dataclass(frozen=True)
class Segments:
    """The segments of one label map; row k-1 of every per-segment array is segment k.

    label_map: (H, W) uint8, class of each pixel, 255 = ignored
    boundary_mask: (H, W) bool, True where one of the 8 neighbours inside the image has another class or is ignored;
        False on ignored pixels
    runs: those of the label map; their components are the segments
    """

    label_map: NDArray[np.uint8]
    boundary_mask: NDArray[np.bool_]
    runs: RowRuns

    @cached_property
    def segment_map(self) -> NDArray[np.int32]:
        """(H, W) int32, 1..S in the order of the first pixel in raster order, 0 = ignored; painted when asked for."""
        return self.runs.painted(np.arange(self.count + 1, dtype=np.int32))

    @property
    def class_ids(self) -> NDArray[np.int32]:
        """(S,), the class of each segment."""
        return self.runs.classes

    @property
    def count(self) -> int:
        """Number of segments S."""
        return len(self.class_ids)


def check_label_map(label_map: NDArray[Any], name: str = "label_map") -> NDArray[np.uint8]:
    """The label map as contiguous (H, W) uint8; `name` is what the message calls it (docs/method.md#label-map).

    Raises:
        ValueError: no (H, W) uint8 array, or without pixels.
    """
    if not isinstance(label_map, np.ndarray) or label_map.dtype != np.uint8:
        kind = label_map.dtype if isinstance(label_map, np.ndarray) else type(label_map).__name__
        raise ValueError(f"{name} has type {kind}: pass a (H, W) uint8 array with {IGNORE} where ignored")
    if label_map.ndim != 2 or label_map.size == 0:
        raise ValueError(f"{name} has shape {label_map.shape}: pass (H, W) with at least one pixel")
    return np.ascontiguousarray(label_map)


def find_segments(label_map: NDArray[np.uint8]) -> Segments:
    """The segments of a label map (docs/method.md#segment) and their boundary (docs/method.md#boundary).

    label_map: (H, W) uint8, classes 0..254, 255 = ignored; any number of segments.

    Raises:
        ValueError: see `check_label_map`.
    """
    label_map = check_label_map(label_map)
    runs = row_runs(label_map)
    boundary_mask = np.empty(label_map.shape, dtype=np.bool_)
    _mark_boundary(label_map, boundary_mask)
    return Segments(label_map, boundary_mask, runs)


@njit(cache=True, nogil=True)
def _mark_boundary(label_map: NDArray[np.uint8], boundary_mask: NDArray[np.bool_]) -> None:
    """Fill boundary_mask: a pixel is boundary where the lowest and the highest label of its 3×3 differ.

    The 3×3 is cut off at the image border, which alone therefore makes no boundary. Rows first, then columns: both
    loops vectorise.
    """
    height, width = label_map.shape
    low = np.empty(width + 2, dtype=np.uint8)
    high = np.empty(width + 2, dtype=np.uint8)
    for row in range(height):
        above = label_map[max(row - 1, 0)]
        here = label_map[row]
        below = label_map[min(row + 1, height - 1)]
        for col in range(width):
            a, b, c = above[col], here[col], below[col]
            low[col + 1] = min(min(a, b), c)
            high[col + 1] = max(max(a, b), c)
        low[0], high[0] = low[1], high[1]
        low[width + 1], high[width + 1] = low[width], high[width]
        for col in range(width):
            lowest = min(min(low[col], low[col + 1]), low[col + 2])
            highest = max(max(high[col], high[col + 1]), high[col + 2])
            boundary_mask[row, col] = (lowest != highest) & (here[col] != IGNORE)

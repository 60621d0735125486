"""Horizontal runs of one segment and one side: what sums over segments are collected along."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raymeta.compilation import njit
from raymeta.metaseg.segments import Segments


@dataclass(frozen=True)
class SegmentRuns:
    """R runs that cover all pixels in raster order; none crosses a row.

    ends: (R,) int64, one past the last pixel of a run, counted over the flat image.
    keys: (R,) int64, `2·(segment - 1) + boundary`, or 2·S where the pixels belong to no segment.
    """

    ends: NDArray[np.int64]
    keys: NDArray[np.int64]


def segment_runs(segments: Segments) -> SegmentRuns:
    """The runs of an image's segments."""
    arrays = (segments.segment_map, segments.boundary_mask)
    count = _find_runs(*arrays, segments.count, np.empty(0, np.int64), np.empty(0, np.int64))
    runs = SegmentRuns(np.empty(count, np.int64), np.empty(count, np.int64))
    _find_runs(*arrays, segments.count, runs.ends, runs.keys)
    return runs


@njit(cache=True, nogil=True)
def _find_runs(
    segment_map: NDArray[np.int32],
    boundary_mask: NDArray[np.bool_],
    segments: int,
    ends: NDArray[np.int64],
    keys: NDArray[np.int64],
) -> int:
    """Write the runs as far as the arrays reach; return how many there are."""
    height, width = segment_map.shape
    found = 0
    for row in range(height):
        start = 0
        while start < width:
            segment, side = segment_map[row, start], boundary_mask[row, start]
            end = start + 1
            while end < width and segment_map[row, end] == segment and boundary_mask[row, end] == side:
                end += 1
            if found < len(ends):
                ends[found] = row * width + end
                keys[found] = 2 * (segment - 1) + side if segment > 0 else 2 * segments
            found += 1
            start = end
    return found

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
    starts = np.flatnonzero(_run_starts(segments.segment_map, segments.boundary_mask))
    segment, side = segments.segment_map.ravel()[starts], segments.boundary_mask.ravel()[starts]
    keys = np.where(segment > 0, 2 * (segment.astype(np.int64) - 1) + side, 2 * segments.count)
    return SegmentRuns(np.append(starts[1:], segments.segment_map.size), keys)


def run_pixels(runs: SegmentRuns, width: int, count: int) -> NDArray[np.int64]:
    """Pixels, row sums and column sums of both sides of each of `count` segments: (3, 2·S) int64."""
    return _sum_runs(runs.ends, runs.keys, width, np.zeros((2 * count + 1, 3), np.int64))[:-1].T


@njit(cache=True, nogil=True)
def _run_starts(segment_map: NDArray[np.int32], boundary_mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a run begins at a pixel: (H, W). Without branches, so that it is compiled to vector instructions."""
    height, width = segment_map.shape
    starts = np.empty((height, width), np.bool_)
    for row in range(height):
        starts[row, 0] = True
        for col in range(1, width):
            other = segment_map[row, col] != segment_map[row, col - 1]
            starts[row, col] = other | (boundary_mask[row, col] != boundary_mask[row, col - 1])
    return starts


@njit(cache=True, nogil=True)
def _sum_runs(
    ends: NDArray[np.int64], keys: NDArray[np.int64], width: int, sums: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Add each run's pixels, rows and columns to the row of its key."""
    begin = 0
    for run in range(len(ends)):
        length = ends[run] - begin
        row = begin // width
        first = begin - row * width
        key = keys[run]
        sums[key, 0] += length
        sums[key, 1] += row * length
        sums[key, 2] += (2 * first + length - 1) * length // 2
        begin = ends[run]
    return sums

"""Sums over the pixels of each segment, collected along horizontal runs."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from raymeta.metaseg.heatmaps import Heatmaps
from raymeta.metaseg.segments import Segments


@dataclass(frozen=True)
class SegmentSums:
    """Sums over each of S segments; the second axis of (S, 2) arrays is (inner, boundary).

    sizes: (S, 2) int64 pixels
    entropy, margin: (S, 2) float64
    rows, cols: (S,) int64, sums of pixel coordinates
    probabilities: (S, C) float64
    """

    sizes: NDArray[np.int64]
    entropy: NDArray[np.float64]
    margin: NDArray[np.float64]
    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    probabilities: NDArray[np.float64]


def segment_sums(softmax: NDArray[np.float32], heatmaps: Heatmaps, segments: Segments) -> SegmentSums:
    """Sum everything that the segment metrics need.

    softmax: (C, H, W) contiguous float32; heatmaps and segments of the same image.
    """
    count = segments.count
    sums = SegmentSums(
        sizes=np.zeros((count, 2), dtype=np.int64),
        entropy=np.zeros((count, 2), dtype=np.float64),
        margin=np.zeros((count, 2), dtype=np.float64),
        rows=np.zeros(count, dtype=np.int64),
        cols=np.zeros(count, dtype=np.int64),
        probabilities=np.zeros((count, len(softmax)), dtype=np.float64),
    )
    maps = (segments.segment_map, segments.boundary_mask, heatmaps.entropy, heatmaps.margin)
    _sum_pixels(*maps, sums.sizes, sums.entropy, sums.margin, sums.rows, sums.cols)
    _sum_probabilities(softmax, segments.segment_map, sums.probabilities)
    return sums


@njit(cache=True, nogil=True)
def _sum_pixels(
    segment_map: NDArray[np.int32],
    boundary_mask: NDArray[np.bool_],
    entropy: NDArray[np.float32],
    margin: NDArray[np.float32],
    sizes: NDArray[np.int64],
    entropy_sums: NDArray[np.float64],
    margin_sums: NDArray[np.float64],
    row_sums: NDArray[np.int64],
    col_sums: NDArray[np.int64],
) -> None:
    """Add up counts, coordinates and heatmaps of each segment, a run of equal segment and side at a time."""
    height, width = segment_map.shape
    for row in range(height):
        start = 0
        while start < width:
            segment = segment_map[row, start]
            side = np.int64(boundary_mask[row, start])
            entropy_sum = 0.0
            margin_sum = 0.0
            end = start
            while end < width and segment_map[row, end] == segment and np.int64(boundary_mask[row, end]) == side:
                entropy_sum += np.float64(entropy[row, end])
                margin_sum += np.float64(margin[row, end])
                end += 1
            if segment > 0:
                length = end - start
                sizes[segment - 1, side] += length
                entropy_sums[segment - 1, side] += entropy_sum
                margin_sums[segment - 1, side] += margin_sum
                row_sums[segment - 1] += row * length
                col_sums[segment - 1] += (start + end - 1) * length // 2
            start = end


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def _sum_probabilities(
    softmax: NDArray[np.float32], segment_map: NDArray[np.int32], probabilities: NDArray[np.float64]
) -> None:
    """Add up the softmax of each segment: the runs of a row are found once and used by all classes.

    Four classes at a time, since the mispredicted end of a short run costs more than its sums; where C is no multiple
    of four, the last group sums its last class again and writes it once.
    """
    classes, height, width = softmax.shape
    starts = np.empty(width + 1, dtype=np.int64)
    for row in range(height):
        runs = _run_starts(segment_map[row], starts)
        for c in range(0, classes, 4):
            first = softmax[c, row]
            second = softmax[min(c + 1, classes - 1), row]
            third = softmax[min(c + 2, classes - 1), row]
            fourth = softmax[min(c + 3, classes - 1), row]
            for run in range(runs):
                segment = segment_map[row, starts[run]]
                if segment == 0:
                    continue
                a, b, d, e = 0.0, 0.0, 0.0, 0.0
                # Unsigned: an index that might be negative would keep the loop from being vectorised.
                for col in range(np.uint64(starts[run]), np.uint64(starts[run + 1])):
                    a += np.float64(first[col])
                    b += np.float64(second[col])
                    d += np.float64(third[col])
                    e += np.float64(fourth[col])
                total = (a, b, d, e)
                for k in range(min(4, classes - c)):
                    probabilities[segment - 1, c + k] += total[k]


@njit(cache=True, nogil=True, inline="always")
def _run_starts(segments: NDArray[np.int32], starts: NDArray[np.int64]) -> int:
    """Write where each run of equal segments of one row starts, then the width; return the number of runs.

    segments: (W,) int32. starts: (W + 1,) int64.
    """
    runs = 0
    last = np.int32(-1)
    for col in range(len(segments)):
        starts[runs] = col
        runs += segments[col] != last
        last = segments[col]
    starts[runs] = len(segments)
    return runs

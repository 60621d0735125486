"""Sums over the pixels of each segment, collected along horizontal runs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raymeta.compilation import njit
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
    runs = (segments.runs.starts, segments.runs.first, segments.runs.components)
    maps = (segments.boundary_mask, heatmaps.entropy, heatmaps.margin)
    _sum_pixels(*runs, *maps, sums.sizes, sums.entropy, sums.margin, sums.rows, sums.cols)
    _sum_probabilities(softmax, *runs, sums.probabilities)
    return sums


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def _sum_pixels(
    starts: NDArray[np.int32],
    first: NDArray[np.int64],
    components: NDArray[np.int32],
    boundary_mask: NDArray[np.bool_],
    entropy: NDArray[np.float32],
    margin: NDArray[np.float32],
    sizes: NDArray[np.int64],
    entropy_sums: NDArray[np.float64],
    margin_sums: NDArray[np.float64],
    row_sums: NDArray[np.int64],
    col_sums: NDArray[np.int64],
) -> None:
    """Add up counts, coordinates and heatmaps of each segment, a run at a time."""
    for row in range(entropy.shape[0]):
        sides, entropies, margins = boundary_mask[row], entropy[row], margin[row]
        for run in range(first[row], first[row + 1] - 1):
            # Unsigned: an index that might be negative would keep the loop from being vectorised.
            start, end = np.uint64(starts[run]), np.uint64(starts[run + 1])
            segment = components[run] - 1
            if segment < 0:
                continue
            edge = np.int32(0)
            inner_entropy, edge_entropy, inner_margin, edge_margin = 0.0, 0.0, 0.0, 0.0
            for col in range(start, end):
                edge += sides[col]
                inner_entropy += np.float64(np.float32(0) if sides[col] else entropies[col])
                edge_entropy += np.float64(entropies[col] if sides[col] else np.float32(0))
                inner_margin += np.float64(np.float32(0) if sides[col] else margins[col])
                edge_margin += np.float64(margins[col] if sides[col] else np.float32(0))
            length = np.int64(end - start)
            sizes[segment, 0] += length - edge
            sizes[segment, 1] += edge
            entropy_sums[segment, 0] += inner_entropy
            entropy_sums[segment, 1] += edge_entropy
            margin_sums[segment, 0] += inner_margin
            margin_sums[segment, 1] += edge_margin
            row_sums[segment] += row * length
            col_sums[segment] += (np.int64(start) + np.int64(end) - 1) * length // 2


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def _sum_probabilities(
    softmax: NDArray[np.float32],
    starts: NDArray[np.int32],
    first: NDArray[np.int64],
    components: NDArray[np.int32],
    probabilities: NDArray[np.float64],
) -> None:
    """Add up the softmax of each segment.

    Four classes at a time, since the mispredicted end of a short run costs more than its sums; where C is no multiple
    of four, the last group sums its last class again and writes it once.
    """
    classes, height, _ = softmax.shape
    for row in range(height):
        for c in range(0, classes, 4):
            plane_1 = softmax[c, row]
            plane_2 = softmax[min(c + 1, classes - 1), row]
            plane_3 = softmax[min(c + 2, classes - 1), row]
            plane_4 = softmax[min(c + 3, classes - 1), row]
            for run in range(first[row], first[row + 1] - 1):
                start, end = np.uint64(starts[run]), np.uint64(starts[run + 1])
                segment = components[run] - 1
                if segment < 0:
                    continue
                sum_1, sum_2, sum_3, sum_4 = 0.0, 0.0, 0.0, 0.0
                for col in range(start, end):
                    sum_1 += np.float64(plane_1[col])
                    sum_2 += np.float64(plane_2[col])
                    sum_3 += np.float64(plane_3[col])
                    sum_4 += np.float64(plane_4[col])
                total = (sum_1, sum_2, sum_3, sum_4)
                for k in range(min(4, classes - c)):
                    probabilities[segment, c + k] += total[k]

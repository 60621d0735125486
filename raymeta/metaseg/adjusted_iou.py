"""Adjusted IoU of predicted segments with a target (DESIGN 2.4)."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from raymeta.metaseg.segments import Segments, components
from raymeta.schemas import IGNORE


def adjusted_iou(segments: Segments, target: NDArray[np.uint8]) -> NDArray[np.float64]:
    """IoU of every segment, where target pixels covered by another segment of the class don't count.

    `I / (size + F)` with `I` the pixels of the segment that the target gives its class, and `F` the pixels of all
    8-connected components of {target = class, prediction ≠ class} that touch the segment; 0 where I = 0.

    segments: of the prediction, ignored wherever the target is. target: (H, W) uint8, 255 = ignored.
    Returns (S,) float64.
    """
    size, hits = _count_hits(segments.segment_map, segments.label_map, target, segments.count)
    missed_label_map = np.where(target == segments.label_map, np.uint8(IGNORE), target)
    missed_map, missed_count = components(missed_label_map)
    missed_size = np.bincount(missed_map.reshape(-1), minlength=missed_count + 1)
    maps = (missed_map, missed_label_map, segments.segment_map, segments.label_map)
    pairs = np.empty(_touching_pairs(*maps, np.empty(0, dtype=np.int64)), dtype=np.int64)
    _touching_pairs(*maps, pairs)
    touching, missed = np.divmod(np.unique(pairs), missed_count + 1)
    missed_pixels = np.zeros(segments.count + 1, dtype=np.int64)
    np.add.at(missed_pixels, touching, missed_size[missed])
    return np.where(hits > 0, hits / (size + missed_pixels[1:]), 0.0)


@njit(cache=True, nogil=True)
def _count_hits(
    segment_map: NDArray[np.int32], label_map: NDArray[np.uint8], target: NDArray[np.uint8], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pixels of each segment, and those where the target agrees: twice (S,) int64."""
    size = np.zeros(count + 1, dtype=np.int64)
    hits = np.zeros(count + 1, dtype=np.int64)
    height, width = segment_map.shape
    for row in range(height):
        for col in range(width):
            segment = segment_map[row, col]
            size[segment] += 1
            hits[segment] += label_map[row, col] == target[row, col]
    return size[1:], hits[1:]


@njit(cache=True, nogil=True)
def _touching_pairs(
    missed_map: NDArray[np.int32],
    missed_label_map: NDArray[np.uint8],
    segment_map: NDArray[np.int32],
    label_map: NDArray[np.uint8],
    pairs: NDArray[np.int64],
) -> int:
    """Write (segment, missed component) of equal class that are 8-neighbours as `segment * (n + 1) + component`.

    pairs: (N,) int64, filled as far as it reaches; a pair can come several times. Returns how many there are, so that a
    first call with an empty array tells the size.
    """
    height, width = missed_map.shape
    base = np.int64(missed_map.max()) + 1
    known = 0
    last = np.int64(-1)
    for row in range(height):
        for col in range(width):
            component = missed_map[row, col]
            if component == 0:
                continue
            label = missed_label_map[row, col]
            for y in range(max(row - 1, 0), min(row + 2, height)):
                for x in range(max(col - 1, 0), min(col + 2, width)):
                    if label_map[y, x] == label:
                        pair = segment_map[y, x] * base + component
                        if pair != last:
                            if known < len(pairs):
                                pairs[known] = pair
                            known += 1
                            last = pair
    return known

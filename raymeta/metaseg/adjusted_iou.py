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
    size = np.zeros(segments.count + 1, dtype=np.int64)
    hits = np.zeros(segments.count + 1, dtype=np.int64)
    missed_label_map = np.empty_like(target)
    _compare(segments.segment_map, segments.label_map, target, size, hits, missed_label_map)
    missed_map, missed_count = components(missed_label_map)
    missed_size = np.zeros(missed_count + 1, dtype=np.int64)
    # Room for the most there can be; memory that is never written to costs nothing.
    pairs = np.empty(9 * np.count_nonzero(missed_map), dtype=np.int64)
    maps = (missed_map, missed_label_map, segments.segment_map, segments.label_map)
    known = _touching_pairs(*maps, missed_size, pairs)
    touching, missed = np.divmod(np.unique(pairs[:known]), missed_count + 1)
    missed_pixels = np.zeros(segments.count + 1, dtype=np.int64)
    np.add.at(missed_pixels, touching, missed_size[missed])
    return np.where(hits > 0, hits / np.maximum(size + missed_pixels, 1), 0.0)[1:]


@njit(cache=True, nogil=True)
def _compare(
    segment_map: NDArray[np.int32],
    label_map: NDArray[np.uint8],
    target: NDArray[np.uint8],
    size: NDArray[np.int64],
    hits: NDArray[np.int64],
    missed_label_map: NDArray[np.uint8],
) -> None:
    """Count the pixels of each segment, and those where the target agrees; write the target where it doesn't.

    size, hits: (S + 1,) int64, zeros; entry 0 counts what belongs to no segment. missed_label_map: (H, W) uint8, the
    class where target and prediction differ, else 255.
    """
    height, width = segment_map.shape
    for row in range(height):
        segments, labels, targets, missed = segment_map[row], label_map[row], target[row], missed_label_map[row]
        for col in range(width):
            missed[col] = np.uint8(IGNORE) if labels[col] == targets[col] else targets[col]
        start = 0
        while start < width:  # a run of one segment at a time
            segment = segments[start]
            agreeing = 0
            end = start
            while end < width and segments[end] == segment:
                agreeing += labels[end] == targets[end]
                end += 1
            size[segment] += end - start
            hits[segment] += agreeing
            start = end


@njit(cache=True, nogil=True)
def _touching_pairs(
    missed_map: NDArray[np.int32],
    missed_label_map: NDArray[np.uint8],
    segment_map: NDArray[np.int32],
    label_map: NDArray[np.uint8],
    missed_size: NDArray[np.int64],
    pairs: NDArray[np.int64],
) -> int:
    """(segment, missed component) of equal class that are 8-neighbours, as `segment * (n + 1) + component`.

    missed_size: (n + 1,) int64 zeros, gets the pixels of each component. pairs: int64 with room for 9 a missed pixel.
    Returns how many were written; a pair can come several times.
    """
    height, width = missed_map.shape
    base = np.int64(len(missed_size))
    known = 0
    for row in range(height):
        start = 0
        while start < width:  # a run of one component at a time
            component = missed_map[row, start]
            end = start + 1
            while end < width and missed_map[row, end] == component:
                end += 1
            if component > 0:
                missed_size[component] += end - start
                label = missed_label_map[row, start]
                for y in range(np.uint64(max(row - 1, 0)), np.uint64(min(row + 2, height))):
                    previous = np.int32(0)
                    for x in range(np.uint64(max(start - 1, 0)), np.uint64(min(end + 1, width))):
                        if label_map[y, x] == label and segment_map[y, x] != previous:
                            previous = segment_map[y, x]
                            pairs[known] = previous * base + component
                            known += 1
            start = end
    return known

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
    pairs = _touching_pairs(missed_map, missed_label_map, segments.segment_map, segments.label_map, missed_size)
    touching, missed = np.divmod(np.unique(pairs), missed_count + 1)
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
) -> NDArray[np.int64]:
    """(segment, missed component) of equal class that are 8-neighbours, as `segment * (n + 1) + component`.

    missed_size: (n + 1,) int64 zeros, gets the pixels of each component. Returns (N,) int64; a pair can come several
    times.
    """
    height, width = missed_map.shape
    base = np.int64(len(missed_size))
    pairs = np.empty(1024, dtype=np.int64)
    known = 0
    touches = np.empty(width, dtype=np.bool_)
    for row in range(height):
        first, last = max(row - 1, 0), min(row + 2, height)
        _mark_touching(missed_label_map[row], label_map[first], label_map[row], label_map[last - 1], touches)
        components = missed_map[row]
        for col in range(width):
            component = components[col]
            if component == 0:
                continue
            missed_size[component] += 1
            if not touches[col]:
                continue
            label = missed_label_map[row, col]
            previous = np.int64(-1)
            for y in range(first, last):
                for x in range(max(col - 1, 0), min(col + 2, width)):
                    pair = segment_map[y, x] * base + component
                    if label_map[y, x] == label and pair != previous:
                        if known == len(pairs):
                            pairs = _doubled(pairs)
                        pairs[known] = pair
                        known += 1
                        previous = pair
    return pairs[:known]


@njit(inline="always")  # so that the compiler sees that `touches` overlaps nothing
def _mark_touching(
    missed: NDArray[np.uint8],
    above: NDArray[np.uint8],
    here: NDArray[np.uint8],
    below: NDArray[np.uint8],
    touches: NDArray[np.bool_],
) -> None:
    """Fill touches (W,): whether the 3×3 labels around a pixel may hold its missed label; always True at both ends.

    missed: (W,) uint8, one row. above, here, below: (W,) uint8, the labels around it. Most pixels are none, and this
    loop over bytes vectorises.
    """
    inner = max(len(missed) - 2, 0)
    touches[0] = touches[-1] = True
    middle, marks = missed[1:], touches[1:]
    above_1, above_2, here_1, here_2, below_1, below_2 = above[1:], above[2:], here[1:], here[2:], below[1:], below[2:]
    for col in range(inner):
        label = middle[col]
        found = (above[col] == label) | (above_1[col] == label) | (above_2[col] == label)
        found |= (here[col] == label) | (here_1[col] == label) | (here_2[col] == label)
        found |= (below[col] == label) | (below_1[col] == label) | (below_2[col] == label)
        marks[col] = found


@njit(cache=True, nogil=True)
def _doubled(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """A copy with room for twice as many."""
    longer = np.empty(2 * len(values), dtype=np.int64)
    longer[: len(values)] = values
    return longer

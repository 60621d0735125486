"""Adjusted IoU: target pixels covered by another segment of the same class don't count against a segment."""

import cc3d
import numpy as np
from numba import njit
from numpy.typing import NDArray

from raymeta.metaseg.segments import Segments
from raymeta.schemas import IGNORE


def adjusted_iou(
    segments: Segments, prediction: NDArray[np.uint8], target: NDArray[np.uint8]
) -> NDArray[np.float64]:
    """IoU_adj of each segment (arXiv:1811.00648; DESIGN 2.4).

    segments: of `prediction`, (H, W) uint8 with 255 where the target is ignored. target: (H, W) uint8.
    Returns (S,) float64: `I / (size + F)`, where F counts the components of missed target pixels that touch k.
    """
    missed = np.where((prediction != target) & (target != IGNORE), target + np.uint8(1), np.uint8(0))
    components = cc3d.connected_components(missed, connectivity=8, out_dtype=np.uint32)
    touches = _touches(segments.segment_map, prediction, components, target)
    pairs = np.unique(touches)
    sizes = np.bincount(components.ravel(), minlength=1)
    owners, parts = pairs >> np.int64(32), pairs & np.int64(0xFFFFFFFF)
    false_negatives = np.bincount(owners, weights=sizes[parts], minlength=segments.count + 1)[1:]
    flat = segments.segment_map.ravel()
    size = np.bincount(flat, minlength=segments.count + 1)[1:]
    hits = np.bincount(flat, weights=(prediction == target).ravel(), minlength=segments.count + 1)[1:]
    return np.where(hits > 0, hits / np.maximum(size + false_negatives, 1), 0.0)


@njit(cache=True, nogil=True)
def _touches(segment_map, prediction, components, target):  # type: ignore[no-untyped-def]
    """Pairs (segment << 32 | component) where a segment has a missed pixel of its class in its 8-neighbourhood."""
    height, width = segment_map.shape
    capacity = 1024
    pairs = np.empty(capacity, np.int64)
    found = 0
    for row in range(height):
        for col in range(width):
            component = components[row, col]
            if component == 0:
                continue
            last = np.int64(-1)
            for r in range(max(row - 1, 0), min(row + 2, height)):
                for c in range(max(col - 1, 0), min(col + 2, width)):
                    if segment_map[r, c] == 0 or prediction[r, c] != target[row, col]:
                        continue
                    pair = (np.int64(segment_map[r, c]) << 32) | np.int64(component)
                    if pair == last:
                        continue
                    last = pair
                    if found == capacity:
                        capacity *= 2
                        larger = np.empty(capacity, np.int64)
                        larger[:found] = pairs
                        pairs = larger
                    pairs[found] = pair
                    found += 1
    return pairs[:found].copy()

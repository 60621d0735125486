"""Segments of a label map: 8-connected components of one class (MetaSeg, arXiv:1811.00648)."""

from dataclasses import dataclass

import cc3d
import numpy as np
from numba import njit
from numpy.typing import NDArray

from raymeta.schemas import IGNORE


@dataclass(frozen=True)
class Segments:
    """Segments of one label map of H×W pixels.

    segment_map: (H, W) int32, 1..S by the first pixel in raster order, 0 where ignored.
    boundary_mask: (H, W) bool, pixels of segments with an 8-neighbour of another class or an ignored one.
    class_ids: (S,) int32, class of segment k at k - 1.
    """

    segment_map: NDArray[np.int32]
    boundary_mask: NDArray[np.bool_]
    class_ids: NDArray[np.int32]

    @property
    def count(self) -> int:
        """Number of segments S."""
        return len(self.class_ids)


def find_segments(label_map: NDArray[np.uint8]) -> Segments:
    """Number the 8-connected components of equal class and mark their boundary pixels.

    label_map: (H, W) uint8 class ids, 255 ignored.

    Raises:
        ValueError: another shape or dtype.
    """
    if label_map.ndim != 2 or label_map.dtype != np.uint8 or label_map.size == 0:
        raise ValueError(
            f"label_map has shape {label_map.shape} and dtype {label_map.dtype}: give a non-empty (H, W) uint8 map"
        )
    labels = np.ascontiguousarray(label_map)
    # cc3d takes 0 for background: in uint8, 255 + 1 wraps to it, and every class moves up by one.
    components = cc3d.connected_components(labels + np.uint8(1), connectivity=8, out_dtype=np.uint32)
    segment_map, class_ids = _number_in_raster_order(components, labels, int(components.max()))
    return Segments(segment_map, _boundary(labels), class_ids)


@njit(cache=True, nogil=True)
def _number_in_raster_order(components, labels, count):  # type: ignore[no-untyped-def]
    numbers = np.zeros(count + 1, np.int32)
    class_ids = np.empty(count, np.int32)
    segment_map = np.empty(components.shape, np.int32)
    found = 0
    for row in range(components.shape[0]):
        for col in range(components.shape[1]):
            component = components[row, col]
            if component == 0:
                segment_map[row, col] = 0
                continue
            if numbers[component] == 0:
                class_ids[found] = labels[row, col]
                found += 1
                numbers[component] = found
            segment_map[row, col] = numbers[component]
    return segment_map, class_ids


@njit(cache=True, nogil=True)
def _boundary(labels):  # type: ignore[no-untyped-def]
    height, width = labels.shape
    mask = np.zeros((height, width), np.bool_)
    for row in range(height):
        above, below = max(row - 1, 0), min(row + 1, height - 1)
        for col in range(width):
            label = labels[row, col]
            left, right = max(col - 1, 0), min(col + 1, width - 1)
            # Clamped neighbours repeat pixels of the window, so the image border alone makes no boundary.
            other = (
                (labels[above, left] != label)
                | (labels[above, col] != label)
                | (labels[above, right] != label)
                | (labels[row, left] != label)
                | (labels[row, right] != label)
                | (labels[below, left] != label)
                | (labels[below, col] != label)
                | (labels[below, right] != label)
            )
            mask[row, col] = other and label != IGNORE
    return mask

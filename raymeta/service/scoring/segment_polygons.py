"""Segments as polygons: the outer and inner rings of each, as annotation tools take them."""

from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from raymeta.compilation import njit

Ring = list[list[int]]


def segment_polygons(segment_map: NDArray[np.int32], segment_ids: Iterable[int]) -> list[list[Ring]]:
    """Rings of the asked segments, x before y, the outer ring first.

    Vertices are centres of the segment's outermost pixels, so that `cv2.fillPoly` of all rings of a segment gives its
    pixels back. Rings aren't simplified, straight runs apart, and don't repeat their first point.

    segment_map: (H, W) int32, 1..S, 0 = ignored. segment_ids: 1..S.
    """
    bounds = _segment_bounds(segment_map, int(segment_map.max(initial=0)))
    polygons = []
    for segment_id in segment_ids:
        top, bottom, left, right = bounds[segment_id]
        region = (segment_map[top:bottom, left:right] == segment_id).view(np.uint8)
        polygons.append([_ring(contour, left, top) for contour in _contours(region)])
    return polygons


def _contours(region: NDArray[np.uint8]) -> list[NDArray[Any]]:
    """Contours of one 8-connected region: outer first, then holes; (N, 1, 2) int32 each."""
    contours, hierarchy = cv2.findContours(region, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    inner = hierarchy[0, :, 3] >= 0
    return [contour for contour, _ in sorted(zip(contours, inner, strict=True), key=lambda pair: bool(pair[1]))]


def _ring(contour: NDArray[Any], left: int, top: int) -> Ring:
    return [[int(x), int(y)] for x, y in contour[:, 0] + np.array([left, top])]


@njit(cache=True, nogil=True)
def _segment_bounds(segment_map: NDArray[np.int32], count: int) -> NDArray[Any]:
    """(S+1, 4) int64: top, bottom, left, right (half-open) of each segment; row 0 stands for ignored pixels."""
    height, width = segment_map.shape
    bounds = np.zeros((count + 1, 4), np.int64)
    for row in range(height):
        for col in range(width):
            box = bounds[segment_map[row, col]]
            if box[1] == 0:
                box[0], box[2], box[3] = row, col, col + 1
            box[1] = row + 1
            box[2] = min(box[2], col)
            box[3] = max(box[3], col + 1)
    return bounds

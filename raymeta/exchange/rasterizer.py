"""The one rasteriser: a pixel belongs to a ring if its centre is inside, half-open (docs/exchange.md#corner-rule)."""

import math
from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from raymeta.compilation import njit

Fill = Literal["even-odd", "union"]
Rule = Literal["corner", "inclusive"]

NOBODY: Final = -1
"""Owner of a pixel that no shape covers."""


def paint(
    owners: NDArray[np.int32],
    covers: NDArray[np.int32],
    rings: Sequence[NDArray[np.float64]],
    owner: int,
    *,
    fill: Fill = "even-odd",
    rule: Rule = "corner",
) -> int:
    """Paint one shape over what is there.

    Args:
        owners: (H, W) int32, the shape that is seen at each pixel, -1 for none; changed in place.
        covers: (H, W) int32, in how many shapes each pixel lies; changed in place.
        rings: each (N, 2) float64, x and y in corner coordinates of the raster: (0, 0) is the outer corner of the first
            pixel. They may reach outside.
        owner: number of the shape, 0 or more.
        fill: whether rings inside rings are holes, or all rings are united.
        rule: corner: pixels whose centre is inside. inclusive: vertices are pixels, and outlines are painted too
            (Cityscapes); the raster has to be the whole picture then, as what is cut off may shift an outline.

    Returns:
        Pixels of the shape inside the raster.
    """
    if rule == "inclusive":
        return _paint_inclusive(owners, covers, rings, owner)
    if fill == "union" and len(rings) > 1:
        mask = np.zeros(owners.shape, np.bool_)
        for ring in rings:
            _paint_mask(mask, *_packed([ring]))
        covers += mask
        owners[mask] = owner
        return int(np.count_nonzero(mask))
    if not rings:
        return 0
    return int(_paint_even_odd(owners, covers, *_packed(rings), owner))


def fill_rings(
    rings: Sequence[NDArray[np.float64]], height: int, width: int, *, fill: Fill = "even-odd", rule: Rule = "corner"
) -> NDArray[np.bool_]:
    """The pixels of one shape.

    Args:
        rings: each (N, 2) float64, x and y in corner coordinates of the raster.
        height: pixels of the raster.
        width: pixels of the raster.
        fill: as in `paint`.
        rule: as in `paint`.

    Returns:
        (height, width) bool.
    """
    owners = np.full((height, width), NOBODY, np.int32)
    paint(owners, np.zeros((height, width), np.int32), rings, 0, fill=fill, rule=rule)
    return owners == 0


def _packed(rings: Sequence[NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """All points in one array, and where each ring starts in it."""
    points = np.ascontiguousarray(np.concatenate([np.empty((0, 2)), *rings]), dtype=np.float64)
    return points, np.cumsum([0, *(len(ring) for ring in rings)], dtype=np.int64)


def _paint_inclusive(
    owners: NDArray[np.int32], covers: NDArray[np.int32], rings: Sequence[NDArray[np.float64]], owner: int
) -> int:
    # As raymeta paints Cityscapes everywhere (raymeta/annotation/clicks.py): vertices are rounded to whole pixels.
    import cv2

    height, width = owners.shape
    painted = 0
    for ring in rings:
        if not len(ring):
            continue
        points = np.floor(ring + 0.5).astype(np.int32)
        left, top = points.min(axis=0)
        right, bottom = points.max(axis=0)
        if left < 0 or top < 0 or right >= width or bottom >= height:
            left, top, right, bottom = 0, 0, width - 1, height - 1  # cut off by OpenCV, whose lines depend on the cut
        mask = np.zeros((bottom - top + 1, right - left + 1), np.uint8)
        cv2.fillPoly(mask, [points - np.array([left, top], dtype=np.int32)], (1,))
        part = slice(top, bottom + 1), slice(left, right + 1)
        covers[part] += mask
        owners[part][mask == 1] = owner
        painted += int(np.count_nonzero(mask))
    return painted


@njit(cache=True, nogil=True)
def _paint_mask(mask: Any, points: Any, starts: Any) -> None:
    parity, top, left = _parity(points, starts, mask.shape[0], mask.shape[1])
    for row in range(parity.shape[0]):
        inside = 0
        for col in range(parity.shape[1] - 1):
            inside ^= parity[row, col]
            if inside:
                mask[top + row, left + col] = True


@njit(cache=True, nogil=True)
def _paint_even_odd(owners: Any, covers: Any, points: Any, starts: Any, owner: int) -> int:
    parity, top, left = _parity(points, starts, owners.shape[0], owners.shape[1])
    painted = 0
    for row in range(parity.shape[0]):
        inside = 0
        for col in range(parity.shape[1] - 1):
            inside ^= parity[row, col]
            if inside:
                owners[top + row, left + col] = owner
                covers[top + row, left + col] += 1
                painted += 1
    return painted


@njit(cache=True, nogil=True)
def _parity(points: Any, starts: Any, height: int, width: int) -> Any:
    """Where a scan line enters or leaves, inside the part of the raster that the points span; and its top and left.

    An edge counts for the scan lines y = row + 0.5 with (y1 <= y) != (y2 <= y), and switches from the column
    ceil(x - 0.5) on: pairs of sorted crossings [a, b) make the columns ceil(a - 0.5) .. ceil(b - 0.5) - 1.
    """
    if len(points) == 0:
        return np.zeros((0, 1), np.uint8), 0, 0
    top = min(max(math.ceil(points[:, 1].min() - 0.5), 0), height)
    bottom = max(min(math.ceil(points[:, 1].max() - 0.5), height), top)
    left = min(max(math.ceil(points[:, 0].min() - 0.5), 0), width)
    right = max(min(math.ceil(points[:, 0].max() - 0.5), width), left)
    parity = np.zeros((bottom - top, right - left + 1), np.uint8)
    if bottom == top or right == left:
        return parity, top, left
    for ring in range(len(starts) - 1):
        first, end = starts[ring], starts[ring + 1]
        for index in range(first, end):
            other = index + 1 if index + 1 < end else first
            x1, y1, x2, y2 = points[index, 0], points[index, 1], points[other, 0], points[other, 1]
            # Two shapes that share an edge run along it in opposite ways: with one order of its ends, both compute
            # the same crossing, to the last bit.
            if (y2, x2) < (y1, x1):
                x1, y1, x2, y2 = x2, y2, x1, y1
            start = min(max(math.ceil(y1 - 0.5), top), bottom)
            stop = max(min(math.ceil(y2 - 0.5), bottom), start)
            for row in range(start, stop):
                y = row + 0.5
                x = x1 + (y - y1) * (x2 - x1) / (y2 - y1)
                col = min(max(math.ceil(x - 0.5), left), right)
                parity[row - top, col - left] ^= 1
    return parity, top, left

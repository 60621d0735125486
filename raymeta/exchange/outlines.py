"""Outlines of rasters along the edges of their pixels: read back by the corner rule they give the raster exactly."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raymeta.compilation import njit

Ring = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Outline:
    """The outline of one 4-connected component.

    value: of its pixels. rings: the outer one, then the holes; each (N, 2) float64, x and y of pixel corners, clockwise
    on the screen for the outer one. pixels: of the component. enclosed: pixels within the outer ring.
    """

    value: int
    rings: tuple[Ring, ...]
    pixels: int
    enclosed: int


def mask_rings(mask: NDArray[np.bool_], top: int = 0, left: int = 0) -> list[Ring]:
    """Outer rings and holes of all pixels of a mask, for the even-odd rule.

    Args:
        mask: (H, W) bool.
        top: row of the picture that is the mask's first.
        left: column of the picture that is the mask's first.

    Returns:
        Rings of pixel corners, each (N, 2) float64, x before y; none for an empty mask.
    """
    points, starts, _ = _trace(np.ascontiguousarray(mask).astype(np.int32))
    shifted = points + np.array([left, top], dtype=np.float64)
    return [shifted[start:end] for start, end in pairwise(starts.tolist())]


def find_outlines(values: NDArray[np.integer[Any]], ignored: int) -> list[Outline]:
    """Outlines of the 4-connected components of equal pixels, enclosing ones before those in their holes.

    In this order holes may be painted over: what lies in them comes later.

    Args:
        values: (H, W), whole numbers from 0 on.
        ignored: value of pixels that get no outline.

    Returns:
        One outline a component.
    """
    import cc3d

    shifted = np.where(values == ignored, 0, values.astype(np.int64) + 1).astype(np.uint32)
    components = np.ascontiguousarray(cc3d.connected_components(shifted, connectivity=4), dtype=np.int32)
    points, starts, owners = _trace(components)
    rings = [points[start:end] for start, end in pairwise(starts.tolist())]
    _, first, sizes = np.unique(components.ravel(), return_index=True, return_counts=True)
    number = dict(
        zip(components.ravel()[first].tolist(), zip(first.tolist(), sizes.tolist(), strict=True), strict=True)
    )
    grouped: dict[int, list[Ring]] = {}
    for ring, owner in zip(rings, owners.tolist(), strict=True):
        grouped.setdefault(owner, []).append(ring)
    outlines = []
    for owner, parts in grouped.items():
        position, size = number[owner]
        parts.sort(key=signed_area, reverse=True)  # the outer ring is the only one with a positive area
        outlines.append(Outline(int(values.flat[position]), tuple(parts), size, round(signed_area(parts[0]))))
    return sorted(outlines, key=lambda outline: -outline.enclosed)


def signed_area(ring: Ring) -> float:
    """Area of a ring in pixels; positive if it runs clockwise on the screen, where y points down."""
    x, y = ring[:, 0], ring[:, 1]
    return float(np.dot(x, np.roll(y, -1)) - np.dot(np.roll(x, -1), y)) / 2


@njit(cache=True, nogil=True)
def _trace(components: Any) -> Any:
    """Points of all rings, where each starts, and the component (0 = none) that lies to the right of its way."""
    height, width = components.shape
    seen = np.zeros((height, width), np.bool_)  # top edges of pixels that a ring has passed
    points = np.empty((1024, 2), np.float64)
    starts = [0]
    owners = [0]
    owners.clear()
    count = 0
    for row in range(height):
        for col in range(width):
            owner = components[row, col]
            if owner == 0 or seen[row, col] or (row > 0 and components[row - 1, col] == owner):
                continue
            # Walk with the component to the right: east along this pixel's top edge first. Directions: 0 east, 1 south,
            # 2 west, 3 north.
            x, y, direction = col, row, 0
            first = count
            while True:
                if direction == 0:
                    if seen[y, x]:
                        break
                    seen[y, x] = True
                    x += 1
                    right, ahead = _at(components, y, x), _at(components, y - 1, x)
                elif direction == 1:
                    y += 1
                    right, ahead = _at(components, y, x - 1), _at(components, y, x)
                elif direction == 2:
                    x -= 1
                    right, ahead = _at(components, y - 1, x - 1), _at(components, y, x - 1)
                else:
                    y -= 1
                    right, ahead = _at(components, y - 1, x), _at(components, y - 1, x - 1)
                # Where two pixels meet only by a corner, turn right: they stay two.
                turn = 1 if right != owner else (3 if ahead == owner else 0)
                if turn:
                    if count == len(points):
                        grown = np.empty((2 * count, 2), np.float64)
                        grown[:count] = points
                        points = grown
                    points[count, 0], points[count, 1] = x, y
                    count += 1
                    direction = (direction + turn) % 4
            if count > first:
                starts.append(count)
                owners.append(owner)
    return points[:count].copy(), np.array(starts), np.array(owners, dtype=np.int64)


@njit(cache=True, nogil=True)
def _at(components: Any, row: int, col: int) -> int:
    if row < 0 or col < 0 or row >= components.shape[0] or col >= components.shape[1]:
        return 0
    return components[row, col]

"""Fewer vertices for shapes that tile a region: borders are simplified alike on both sides, so no gap opens."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from raymeta.errors import InputError
from raymeta.exchange.drawn_pictures import DrawnShape


def simplify_shapes(shapes: Sequence[DrawnShape], tolerance: float) -> list[DrawnShape]:
    """Shapes with fewer vertices; the outline of all of them together stays as it is.

    Args:
        shapes: polygons that cover each point once and share their vertices, as `with_junctions` gives them.
        tolerance: in pixels: about the side of the largest corner that is cut. 1 smooths the steps of pixels.

    Raises:
        InputError: no finite tolerance from 0.
        ModuleNotFoundError: shapely isn't installed; it is part of the extra `people`.
    """
    if not 0 <= tolerance < np.inf:
        raise InputError(f"simplify {tolerance}: give a number of pixels from 0")
    if tolerance == 0 or not shapes:
        return list(shapes)
    import shapely

    polygons = [_polygon(shape, shapely) for shape in shapes]
    simplified = shapely.coverage_simplify(polygons, tolerance, simplify_boundary=False)
    return [_shape(*pair) for pair in zip(shapes, simplified, strict=True)]


def _polygon(shape: DrawnShape, shapely: Any) -> Any:
    """A valid polygon: where pixels meet only by a corner an outline touches itself, and what it encloses is a hole."""
    outer, *holes = shape.rings
    return shapely.make_valid(shapely.Polygon(outer, holes), method="structure")


def _shape(shape: DrawnShape, polygon: Any) -> DrawnShape:
    if polygon.geom_type != "Polygon" or polygon.is_empty:
        return shape  # too small to be simplified
    rings = tuple(np.array(ring.coords[:-1], dtype=np.float64) for ring in (polygon.exterior, *polygon.interiors))
    return replace(shape, rings=rings)

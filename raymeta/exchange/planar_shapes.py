"""From label maps to shapes, and from shapes with holes to what a tool without holes can hold."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.sample import IGNORED
from raymeta.exchange.drawn_pictures import DrawnShape, bounds
from raymeta.exchange.outlines import find_outlines
from raymeta.exchange.rasterizer import NOBODY, fill_rings, paint


def partition_shapes(
    label_map: NDArray[np.uint8],
    names: Mapping[int, str],
    *,
    void: NDArray[np.bool_] | None = None,
    void_label: str = "void",
) -> list[DrawnShape]:
    """Polygons of a label map, one a 4-connected component, enclosing ones first.

    Args:
        label_map: (H, W) uint8, class ids, 255 where nothing is known.
        names: class names by their ids.
        void: (H, W) bool, pixels of 255 that are drawn as void; the others get no shape.
        void_label: what such shapes are called.

    Returns:
        Shapes along pixel edges, with holes; read by the corner rule they give the label map exactly.
    """
    values = label_map.astype(np.int32)
    if void is not None:
        values[void & (label_map == IGNORED)] = IGNORED + 1
    labels = {**names, IGNORED + 1: void_label}
    return [DrawnShape(labels[outline.value], outline.rings) for outline in find_outlines(values, IGNORED)]


def without_holes(shapes: Sequence[DrawnShape], height: int, width: int) -> list[DrawnShape]:
    """The same picture from polygons of one ring, and masks where that can't be.

    A hole is left out if later shapes cover it. Shapes of several rings become masks otherwise.

    Args:
        shapes: in painting order.
        height: of the picture in pixels.
        width: of the picture in pixels.
    """
    result = [
        shape if shape.geometry == "mask" or (len(shape.rings) > 1 and shape.fill == "union") else _filled(shape)
        for shape in shapes
    ]
    wanted = shape_owners(shapes, height, width)
    while True:
        owners = shape_owners(result, height, width)
        wrong = {int(owner) for owner in np.unique(owners[owners != wanted]) if owner != NOBODY}
        wrong = {owner for owner in wrong if result[owner] is not shapes[owner]}
        if not wrong:
            return [replace(shape, geometry="mask") if len(shape.rings) > 1 else shape for shape in result]
        for owner in wrong:
            result[owner] = shapes[owner]


def with_slits(shape: DrawnShape) -> DrawnShape:
    """A polygon of one ring that goes to each hole and back along the same line: the corner rule reads it exactly."""
    if len(shape.rings) < 2:
        return shape
    outer = shape.rings[0]
    parts = [outer, outer[:1]]
    for hole in shape.rings[1:]:
        parts += [hole, hole[:1], outer[:1]]
    return replace(shape, rings=(np.concatenate(parts),), geometry="polygon", fill="even-odd")


def shape_mask(shape: DrawnShape, height: int, width: int) -> tuple[NDArray[np.bool_], int, int]:
    """The pixels of a shape inside its bounds, and the top and left of these; an empty mask where it has none."""
    left, top, right, bottom = bounds(shape.rings)
    first, start = max(int(np.floor(top)), 0), max(int(np.floor(left)), 0)
    last, end = min(int(np.ceil(bottom)), height), min(int(np.ceil(right)), width)
    moved = [ring - [start, first] for ring in shape.rings]
    mask = fill_rings(moved, max(last - first, 0), max(end - start, 0), fill=shape.fill, rule=shape.rule)
    return mask, first, start


def shape_owners(shapes: Sequence[DrawnShape], height: int, width: int) -> NDArray[np.int32]:
    """(height, width) int32: place of the shape that is seen at each pixel, -1 where there is none."""
    owners = np.full((height, width), NOBODY, np.int32)
    covers = np.zeros((height, width), np.int32)
    for number, shape in enumerate(shapes):
        paint(owners, covers, shape.rings, number, fill=shape.fill, rule=shape.rule)
    return owners


def _filled(shape: DrawnShape) -> DrawnShape:
    return replace(shape, rings=shape.rings[:1]) if len(shape.rings) > 1 else shape

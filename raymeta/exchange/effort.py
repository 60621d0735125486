"""What people did to the pre-annotations, and the clicks that their shapes stand for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raymeta.exchange.drawn_pictures import Geometry, Mark
from raymeta.exchange.prelabel_matching import SAME_PX, Prelabels, Ring
from raymeta.exchange.rasterizer import Fill, Rule

MOVED_PX = 1.0
"""A vertex that went less far counts as not moved."""

_MAX_PAIRS = 10**8
"""Vertices times vertices: nobody edits such a shape by hand."""


@dataclass(frozen=True, eq=False)
class AnswerShape:
    """One shape of an answer.

    label: class name of the run, or `void`. class_id: 0..254, 255 for void. rings: each (N, 2) float64, x before y, in
    continuous corner coordinates of the stored image. order: place in the painting order, 0 lowest. mark: what became
    of its pre-annotation; None where that can't be told. prelabel: id of that. pixels: that are seen in the region, in
    the data set's pixels.
    """

    label: str
    class_id: int
    rings: tuple[Ring, ...]
    geometry: Geometry
    fill: Fill
    rule: Rule
    order: int
    mark: Mark | None
    prelabel: str | None
    pixels: int


@dataclass(frozen=True)
class HumanClicks:
    """Clicks as far as shapes tell; None where they don't, never 0 for unknown.

    polygon: vertices drawn or moved inside the region. intersection: those on its border or outside. box: raymeta drew
    it. class_: shapes that are new or got another class. confirm: 1 if something was left as it was.
    """

    polygon: int | None
    intersection: int | None
    box: int
    class_: int | None
    confirm: int


def count_clicks(
    shapes: Sequence[AnswerShape],
    clicked: Sequence[Ring | None],
    prelabels: Prelabels,
    region: tuple[float, float, float, float],
) -> HumanClicks:
    """Clicks of an answer by its geometry; shapes that nobody sees don't count.

    Args:
        shapes: of the answer.
        clicked: of each shape the points that a person clicks, in the stored image's coordinates; None for masks.
        prelabels: of the task.
        region: left, top, right and bottom of what was asked, in the stored image's coordinates.
    """
    polygon = intersection = classes = 0
    unknown = unmarked = confirmed = False
    for shape, points in zip(shapes, clicked, strict=True):
        if shape.pixels == 0:
            continue
        confirmed |= shape.mark == "unchanged"
        unmarked |= shape.mark is None
        if shape.mark not in ("new", "edited"):
            continue
        base = prelabels.base(shape.prelabel)
        classes += base is None or base.label != shape.label
        if base is not None and prelabels.has_rings(base.id, shape.rings, shape.geometry):
            continue  # another class, and no vertex
        if points is None:
            unknown = True
            continue
        if base is not None:
            points = _moved(points, np.concatenate(prelabels.rings(base.id)))
        left, top, right, bottom = region
        x, y = points[:, 0], points[:, 1]
        inside = (x > left + SAME_PX) & (x < right - SAME_PX) & (y > top + SAME_PX) & (y < bottom - SAME_PX)
        polygon += int(np.count_nonzero(inside))
        intersection += int(np.count_nonzero(~inside))
    if unmarked or unknown:
        return HumanClicks(None, None, 0, None if unmarked else classes, int(confirmed))
    return HumanClicks(polygon, intersection, 0, classes, int(confirmed))


def _moved(points: Ring, base: Ring) -> Ring:
    """Points with no vertex of the pre-annotation within a pixel."""
    if len(points) * len(base) > _MAX_PAIRS:
        return points
    near = [bool((np.abs(base - point) <= MOVED_PX).all(axis=1).any()) for point in points]
    return points[~np.array(near, dtype=bool)]

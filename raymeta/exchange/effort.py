"""What people did to the pre-annotations, and the clicks that their shapes stand for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raymeta.exchange.drawn_pictures import Geometry, Mark
from raymeta.exchange.manifest import Prelabel, Task
from raymeta.exchange.rasterizer import Fill, Rule

SAME_PX = 0.02
"""Two decimals and percent move a vertex by less."""
MOVED_PX = 1.0
"""A vertex that went less far counts as not moved."""

_MAX_PAIRS = 10**8
"""Vertices times vertices: nobody edits such a shape by hand."""

Ring = NDArray[np.float64]


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


class Prelabels:
    """The pre-annotations of a task, to compare shapes of its picture with.

    Args:
        task: its pre-annotations stand in corner coordinates of its picture.
        offset: left and top of that picture in the stored image.
    """

    def __init__(self, task: Task, offset: tuple[float, float]) -> None:
        self._by_id = {each.id: each for each in task.prelabels}
        self._rings = {each.id: [ring + np.array(offset) for ring in each.rings] for each in task.prelabels}
        self.used: set[str] = set()

    def base(self, prelabel_id: str | None) -> Prelabel | None:
        """The pre-annotation of an id."""
        return self._by_id.get(prelabel_id) if prelabel_id is not None else None

    def rings(self, prelabel_id: str) -> list[Ring]:
        """Its rings in the stored image's coordinates."""
        return self._rings[prelabel_id]

    def judge(
        self, label: str, rings: Sequence[Ring], geometry: Geometry, shape_id: str | None, tool_mark: Mark | None
    ) -> tuple[Mark | None, str | None]:
        """What became of a pre-annotation: by id, then by equal ring, then as the tool tells.

        Args:
            label: class name of the shape.
            rings: in the stored image's coordinates.
            geometry: of masks, only the tool can tell.
            shape_id: that the tool kept.
            tool_mark: what the tool says.

        Returns:
            The mark, and the id of the pre-annotation.
        """
        known = self.base(shape_id)
        if known is not None and known.id not in self.used:
            self.used.add(known.id)
            same = known.label == label and same_rings(rings, self._rings[known.id])
            if geometry == "mask" and not same:
                return tool_mark, known.id
            return ("unchanged" if same else "edited"), known.id
        for prelabel_id, base in self._rings.items():
            if prelabel_id not in self.used and same_rings(rings, base):
                self.used.add(prelabel_id)
                return ("unchanged" if self._by_id[prelabel_id].label == label else "edited"), prelabel_id
        if tool_mark is None and geometry == "mask":
            return None, None
        return tool_mark or "new", None

    def deleted(self) -> tuple[str, ...]:
        """Ids of pre-annotations that no shape goes back to."""
        return tuple(each for each in self._by_id if each not in self.used)


def same_rings(rings: Sequence[Ring], others: Sequence[Ring]) -> bool:
    """Whether rings are equal up to 0.02 px, wherever each starts and whichever way it runs."""
    if len(rings) != len(others):
        return False
    return all(map(_same_ring, sorted(rings, key=_place), sorted(others, key=_place)))


def _place(ring: Ring) -> tuple[float, ...]:
    """What rings are sorted by; coarse enough that 0.02 px seldom matter."""
    if not len(ring):
        return (0.0, 0.0, 0.0)
    return (*np.round(ring.min(axis=0), 0).tolist(), float(len(ring)))


def _same_ring(ring: Ring, other: Ring) -> bool:
    if len(ring) != len(other) or not len(ring):
        return False
    for candidate in (other, other[::-1]):
        starts = np.flatnonzero((np.abs(candidate - ring[0]) <= SAME_PX).all(axis=1))
        if any((np.abs(np.roll(candidate, -start, axis=0) - ring) <= SAME_PX).all() for start in starts[:8]):
            return True
    return False


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

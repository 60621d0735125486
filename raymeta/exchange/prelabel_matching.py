"""Which shape of an answer goes back to which pre-annotation, and whether it was changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.sample import IGNORED
from raymeta.exchange.drawn_pictures import DrawnShape, Geometry, Mark
from raymeta.exchange.manifest import Prelabel, Task
from raymeta.exchange.planar_shapes import with_slits
from raymeta.exchange.rasterizer import NOBODY, paint

SAME_PX = 0.02
"""Two decimals and percent move a vertex by less."""
_MAX_PAIRS = 10**8
"""Vertices times vertices: nobody edits such a shape by hand."""

Ring = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MatchedShape:
    """What is compared of one shape.

    label: class name of the run, or `void`. rings: in continuous corner coordinates of the stored image. shape_id: that
    the tool kept. tool_mark: what the tool says of changes.
    """

    label: str
    rings: tuple[Ring, ...]
    geometry: Geometry
    shape_id: str | None
    tool_mark: Mark | None


class Prelabels:
    """The pre-annotations of a task, to compare the shapes of its picture with.

    Args:
        task: its pre-annotations stand in corner coordinates of its picture.
        offset: left and top of that picture in the stored image.
    """

    def __init__(self, task: Task, offset: tuple[float, float]) -> None:
        self._task = task
        self._by_id = {each.id: each for each in task.prelabels}
        self._rings = {each.id: [ring + np.array(offset) for ring in each.rings] for each in task.prelabels}
        self._used: set[str] = set()

    def base(self, prelabel_id: str | None) -> Prelabel | None:
        """The pre-annotation of an id."""
        return self._by_id.get(prelabel_id) if prelabel_id is not None else None

    def rings(self, prelabel_id: str) -> list[Ring]:
        """Its rings in the stored image's coordinates."""
        return self._rings[prelabel_id]

    def has_rings(self, prelabel_id: str, rings: Sequence[Ring], geometry: Geometry) -> bool:
        """Whether a shape has the outline of a pre-annotation, in the stored image's coordinates."""
        others = self._rings[prelabel_id]
        if geometry == "mask":  # what comes back of a mask has no vertex on a straight edge
            return same_rings(list(map(_corners, rings)), list(map(_corners, others)))
        if len(rings) == 1 < len(others):  # a tool without holes
            others = list(with_slits(DrawnShape("", tuple(others))).rings)
        return same_rings(rings, others)

    def match(self, shapes: Sequence[MatchedShape]) -> list[tuple[Mark | None, str | None]]:
        """What became of the pre-annotations: by id, then by equal rings, then by most of their vertices.

        Args:
            shapes: all shapes of the picture.

        Returns:
            For each shape its mark, and the id of its pre-annotation. A mark of None can't be told: of a mask whose
            pixels are another's than any pre-annotation's, unless its tool tells.
        """
        found: dict[int, str] = {}
        for find in (self._by_shape_id, self._by_equal_rings, self._by_vertices):
            for place, shape in enumerate(shapes):
                prelabel = None if place in found else find(shape)
                if prelabel is not None:
                    found[place] = prelabel
                    self._used.add(prelabel)
        return [(self._mark(shape, found.get(place)), found.get(place)) for place, shape in enumerate(shapes)]

    def match_masks(
        self, labels: Sequence[str], label_map: NDArray[np.uint8], class_ids: Mapping[str, int]
    ) -> dict[str, bool]:
        """Whether masks that no ring tells of have the pixels of all pre-annotations of their class.

        Args:
            labels: of the masks.
            label_map: (h, w) uint8, what is seen of the answer in the task's region.
            class_ids: by class name.

        Returns:
            By label. The pre-annotations of unchanged classes count as found.
        """
        predicted = self._raster(class_ids)
        unchanged = {}
        for label in set(labels):
            wanted = predicted == class_ids.get(label, -1)
            unchanged[label] = bool(wanted.any()) and bool(np.array_equal(label_map == class_ids[label], wanted))
            if unchanged[label]:
                self._used |= {each.id for each in self._by_id.values() if each.label == label}
        return unchanged

    def deleted(self) -> tuple[str, ...]:
        """Ids of pre-annotations that no shape goes back to."""
        return tuple(each for each in self._by_id if each not in self._used)

    def _by_shape_id(self, shape: MatchedShape) -> str | None:
        return shape.shape_id if shape.shape_id in self._by_id and shape.shape_id not in self._used else None

    def _by_equal_rings(self, shape: MatchedShape) -> str | None:
        return next((each for each in self._left() if self._equal(shape, each)), None)

    def _by_vertices(self, shape: MatchedShape) -> str | None:
        """The one that has most vertices in common with a shape: at least half of its own and of the shape's."""
        if shape.geometry == "mask" or shape.tool_mark == "unchanged":
            return None
        points = np.concatenate(shape.rings) if shape.rings else np.empty((0, 2))
        shares = {each: _common(points, np.concatenate(self._rings[each])) for each in self._left()}
        best = max(shares, key=lambda each: shares[each], default=None)
        return best if best is not None and shares[best] >= 0.5 else None

    def _left(self) -> list[str]:
        return [each for each in self._by_id if each not in self._used]

    def _equal(self, shape: MatchedShape, prelabel_id: str) -> bool:
        return self.has_rings(prelabel_id, shape.rings, shape.geometry)

    def _mark(self, shape: MatchedShape, prelabel_id: str | None) -> Mark | None:
        if prelabel_id is None:
            return None if shape.geometry == "mask" and shape.tool_mark is None else shape.tool_mark or "new"
        if self._equal(shape, prelabel_id):
            return "unchanged" if self._by_id[prelabel_id].label == shape.label else "edited"
        return shape.tool_mark if shape.geometry == "mask" else "edited"

    def _raster(self, class_ids: Mapping[str, int]) -> NDArray[np.uint8]:
        """(h, w) uint8 class ids of all pre-annotations over the task's region, in the data set's pixels."""
        top, left, height, width = self._task.region
        owners = np.full((height, width), NOBODY, np.int32)
        covers = np.zeros(owners.shape, np.int32)
        table = np.full(len(self._by_id) + 1, IGNORED, np.uint8)
        for place, (prelabel_id, prelabel) in enumerate(self._by_id.items()):
            table[place] = class_ids.get(prelabel.label, IGNORED)
            rings = [ring * self._task.scale - [left, top] for ring in self._rings[prelabel_id]]
            paint(owners, covers, rings, place)
        result: NDArray[np.uint8] = table[owners]
        return result


def _common(points: Ring, others: Ring) -> float:
    """The smaller of two shares: of the vertices of each that stand among those of the other."""
    if not len(points) or not len(others) or len(points) * len(others) > _MAX_PAIRS:
        return 0.0
    near: NDArray[np.bool_] = np.all(np.abs(points[:, None] - others[None]) <= SAME_PX, axis=2)
    return min(float(near.any(axis=1).mean()), float(near.any(axis=0).mean()))


def _corners(ring: Ring) -> Ring:
    """A ring without the vertices on its straight edges."""
    before, after = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    turns = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) > SAME_PX**2
    result: Ring = ring[turns]
    return result


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

"""True clicks: what an annotator of a box, or of a whole image, has to click (DESIGN 2.6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import cc3d
import cv2
import numpy as np
from numpy.typing import NDArray

from raymeta.annotation.click_estimation import estimate_clicks
from raymeta.boxes import Box
from raymeta.schemas import IGNORE

BOX_CLICKS = 4
"""c_b(B): the clicks that draw the box itself."""


class Clicks(NamedTuple):
    """Clicks by their kind: polygon vertices, crossings of the box's border, the box itself, and classes."""

    polygon: int
    intersection: int
    box: int
    class_: int


class Scene(Protocol):
    """One image's ground truth, ready for counting."""

    height: int
    width: int

    def count(self, box: Box) -> Clicks: ...

    def whole_image(self) -> Clicks: ...

    def vertex_map(self) -> NDArray[np.uint8]: ...


def count_clicks(scene: Scene, box: Box) -> Clicks:
    """Clicks that labelling one box costs.

    Raises:
        ValueError: the box reaches outside the image.
    """
    return scene.count(box)


class AnnotatedScene:
    """An image annotated with polygons, painted once in their order.

    polygons: (class id or 255, (N, 2) float64 x, y in pixels); coordinates may lie outside the image. Polygons of
    class 255 are not evaluated, but cover what lies behind them.

    Raises:
        ValueError: coordinates that are no numbers, class ids outside the class list, an empty image.
    """

    def __init__(
        self, height: int, width: int, num_classes: int, polygons: Sequence[tuple[int, NDArray[np.float64]]]
    ) -> None:
        if height < 1 or width < 1:
            raise ValueError(f"a scene of {height}×{width} pixels has no pixels: give at least 1×1")
        self.height = height
        self.width = width
        self.num_classes = num_classes
        self._polygons = [(class_id, _points(points, index)) for index, (class_id, points) in enumerate(polygons)]
        for class_id, _ in self._polygons:
            if not (0 <= class_id < num_classes or class_id == IGNORE):
                raise ValueError(
                    f"polygon of class {class_id}: the class list has 0 to {num_classes - 1}, and {IGNORE} for void"
                )
        self._owners = self._paint()
        classes = np.array([IGNORE, *(class_id for class_id, _ in self._polygons)], dtype=np.uint8)
        self.label_map: NDArray[np.uint8] = classes[self._owners]
        self._visible = self._visible_vertices()

    def count(self, box: Box) -> Clicks:
        """Clicks of a box on the visible scene: vertices whose coordinates lie in the half-open box."""
        _check_inside(box, self.height, self.width)
        x, y = self._visible.T
        inside = (x >= box.left) & (x < box.right) & (y >= box.top) & (y < box.bottom)
        return _box_clicks(int(inside.sum()), self.label_map, box)

    def whole_image(self) -> Clicks:
        """c_p and c_c of the whole image as annotated: every vertex and every polygon of evaluated classes."""
        sizes = [len(points) for class_id, points in self._polygons if class_id != IGNORE]
        return Clicks(polygon=sum(sizes), intersection=0, box=0, class_=len(sizes))

    def vertex_map(self) -> NDArray[np.uint8]:
        """(H, W) uint8, 1 at pixels that hold a visible vertex: the true κ of the `_star` strategies."""
        return _mark(self._visible, self.height, self.width)

    def _paint(self) -> NDArray[np.int32]:
        owners = np.zeros((self.height, self.width), dtype=np.int32)
        for number, (_, points) in enumerate(self._polygons, start=1):
            if len(points):
                # Far outside, fillPoly's fixed-point coordinates would overflow.
                corners = np.clip(_pixels(points), -(2**20), 2**20).astype(np.int32)
                cv2.fillPoly(owners, [corners], number)  # type: ignore[call-overload]
        return owners

    def _visible_vertices(self) -> NDArray[np.float64]:
        """(N, 2) float64 x, y of the visible vertices of evaluated classes."""
        evaluated = [(k, p) for k, (c, p) in enumerate(self._polygons, start=1) if c != IGNORE and len(p)]
        if not evaluated:
            return np.empty((0, 2))
        points = np.concatenate([p for _, p in evaluated])
        numbers = np.concatenate([np.full(len(p), k) for k, p in evaluated])
        x, y = _pixels(points).T
        visible = np.zeros(len(points), dtype=bool)
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                rows, cols = y + dy, x + dx
                inside = (rows >= 0) & (rows < self.height) & (cols >= 0) & (cols < self.width)
                owner = self._owners[np.where(inside, rows, 0), np.where(inside, cols, 0)]
                visible |= inside & (owner == numbers)
        return points[visible]


class LabelMapScene:
    """An image annotated with a label map only: its vertices are those of its contours, all visible.

    label_map: (H, W) uint8, 255 void. epsilon: Ramer-Douglas-Peucker tolerance in pixels.
    """

    def __init__(self, label_map: NDArray[np.uint8], num_classes: int, epsilon: float) -> None:
        self.height, self.width = label_map.shape
        self.num_classes = num_classes
        self.label_map = label_map
        self._vertices = estimate_clicks(label_map, epsilon)

    def count(self, box: Box) -> Clicks:
        """Clicks of a box, counted on the label map itself."""
        _check_inside(box, self.height, self.width)
        return _box_clicks(int(self._vertices[box.slices].sum()), self.label_map, box)

    def whole_image(self) -> Clicks:
        """Every vertex and every component of the whole image."""
        return Clicks(int(self._vertices.sum()), 0, 0, count_components(self.label_map))

    def vertex_map(self) -> NDArray[np.uint8]:
        """(H, W) uint8, 1 at vertices."""
        return self._vertices


def ring_changes(labels: NDArray[np.uint8]) -> int:
    """c_i: label changes along the closed ring of the outermost pixels of a box, all void as one class.

    labels: (b, b) uint8.
    """
    if labels.shape[0] == 1:
        return 0
    ring = np.concatenate([labels[0, :-1], labels[:-1, -1], labels[-1, :0:-1], labels[:0:-1, 0]])
    return int((ring != np.roll(ring, 1)).sum())


def count_components(labels: NDArray[np.uint8]) -> int:
    """c_c: 8-connected components of evaluated classes.

    labels: (H, W) uint8, 255 void.
    """
    # cc3d takes 0 for background: in uint8, 255 + 1 wraps to it.
    shifted = np.ascontiguousarray(labels) + np.uint8(1)
    _, count = cc3d.connected_components(shifted, connectivity=8, return_N=True)
    return int(count)


def _box_clicks(vertices: int, label_map: NDArray[np.uint8], box: Box) -> Clicks:
    labels = label_map[box.slices]
    return Clicks(vertices, ring_changes(labels), BOX_CLICKS, count_components(labels))


def _points(points: NDArray[np.float64], index: int) -> NDArray[np.float64]:
    array = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(array).all():
        raise ValueError(f"polygon {index} has a coordinate that is no number: correct or remove it")
    return array


def _pixels(points: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.floor(points + 0.5).astype(np.int64)


def _mark(points: NDArray[np.float64], height: int, width: int) -> NDArray[np.uint8]:
    marks = np.zeros((height, width), dtype=np.uint8)
    # A visible vertex may lie one pixel outside the image: it is clicked at the border.
    x, y = _pixels(points).T if len(points) else np.empty((2, 0), dtype=np.int64)
    marks[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)] = 1
    return marks


def _check_inside(box: Box, height: int, width: int) -> None:
    if not box.fits(height, width):
        raise ValueError(f"{box} reaches outside the image of {height}×{width} pixels: choose a box inside it")

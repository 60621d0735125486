"""True clicks: what an annotator of a box, or of a whole image, has to click (docs/method.md#annotation-cost)."""

from collections.abc import Sequence
from functools import cached_property
from typing import Final, NamedTuple, Protocol

import cc3d
import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from raymeta.annotation.click_estimation import check_label_map, estimate_clicks
from raymeta.argument_checks import whole_number
from raymeta.boxes import Box, check_inside
from raymeta.errors import InputError
from raymeta.schemas import IGNORE

BOX_CLICKS: Final = 4
"""c_b(B): the clicks that draw the box itself (docs/method.md#box-clicks)."""

FARTHEST: Final = 2**20
"""Pixels: coordinates beyond are painted as if they lay there, far outside any image."""


class Clicks(NamedTuple):
    """Clicks by their kind: c_p polygon vertices, c_i crossings of the box's border, c_b the box, c_c classes."""

    polygon: int
    intersection: int
    box: int
    class_: int


class Scene(Protocol):
    """One image's ground truth, ready for counting."""

    height: int
    width: int

    def count(self, box: Box) -> Clicks:
        """Clicks of one box. Raises ValueError if it reaches outside the image."""

    def whole_image(self) -> Clicks:
        """c_p and c_c of the whole image; the other counts are 0."""

    def vertex_map(self) -> NDArray[np.uint8]:
        """(H, W) uint8, 1 at pixels with a visible vertex: the true κ (docs/method.md#starred-strategies)."""


def count_clicks(scene: Scene, box: Box) -> Clicks:
    """Clicks that labelling one box costs.

    Raises:
        ValueError: the box reaches outside the image.
    """
    return scene.count(box)


class AnnotatedScene:
    """An image annotated with polygons, painted once, in their order, when the first box is counted.

    Definitions: docs/method.md#polygons.

    polygons: (class id or 255, (N, 2) float64 x, y in pixels); coordinates may lie outside the image. Polygons of
    class 255 are not evaluated, but cover what lies behind them. As outlines are painted too, two points paint a
    line and one a pixel. Where nothing is painted, the label is void.

    Raises:
        ValueError: coordinates that are no finite numbers, class ids outside the class list, an empty image, sizes that
            aren't whole numbers.
    """

    def __init__(self, height: int, width: int, num_classes: int, polygons: Sequence[tuple[int, ArrayLike]]) -> None:
        self.height = whole_number("height", height)
        self.width = whole_number("width", width)
        if not self.height or not self.width:
            raise InputError(f"a scene of {height}×{width} pixels is empty: give at least 1×1")
        self.num_classes = whole_number("num_classes", num_classes, least=1, most=IGNORE)
        self.polygons = [
            _checked(index, class_id, points, num_classes) for index, (class_id, points) in enumerate(polygons)
        ]

    def count(self, box: Box) -> Clicks:
        """Clicks of a box on the visible scene: vertices whose coordinates lie in the half-open box.

        Definitions: docs/method.md#polygon-clicks.

        Raises:
            ValueError: the box reaches outside the image.
        """
        check_inside(box, self.height, self.width)
        x, y = self.visible_vertices.T
        inside = (x >= box.left) & (x < box.right) & (y >= box.top) & (y < box.bottom)
        return _box_clicks(int(np.count_nonzero(inside)), self.label_map, box)

    def whole_image(self) -> Clicks:
        """c_p and c_c as annotated: every vertex and polygon of evaluated classes (docs/method.md#whole-images)."""
        sizes = [len(points) for class_id, points in self.polygons if class_id != IGNORE and len(points)]
        return Clicks(polygon=sum(sizes), intersection=0, box=0, class_=len(sizes))

    def vertex_map(self) -> NDArray[np.uint8]:
        """(H, W) uint8, 1 at pixels that hold a visible vertex.

        A vertex in the last half pixel of the image belongs to the last pixel.
        """
        cols, rows = np.minimum(_pixels(self.visible_vertices), [self.width - 1, self.height - 1]).T
        marks = np.zeros((self.height, self.width), dtype=np.uint8)
        marks[rows, cols] = 1
        return marks

    @cached_property
    def owner_map(self) -> NDArray[np.int32]:
        """(H, W) int32: the polygon that is visible at each pixel, 1 for the first one, 0 for none."""
        owners = np.zeros((self.height, self.width), dtype=np.int32)
        for number, (_, points) in enumerate(self.polygons, start=1):
            if len(points):
                cv2.fillPoly(owners, [_pixels(points).astype(np.int32)], (number,))
        return owners

    @cached_property
    def label_map(self) -> NDArray[np.uint8]:
        """(H, W) uint8: class of the visible polygon, 255 void."""
        classes = np.array([IGNORE, *(class_id for class_id, _ in self.polygons)], dtype=np.uint8)
        return classes[self.owner_map]

    @cached_property
    def visible_vertices(self) -> NDArray[np.float64]:
        """(N, 2) float64 x, y of the vertices of evaluated classes that have a pixel of their polygon around them.

        Definition: docs/method.md#visible-vertices.

        Vertices outside the image are left out: they lie in no box.
        Around means the 3×3 pixels centred at floor(v + 0.5), which is clipped to the image first; of the nine, those
        outside the image show nothing.
        """
        counted = [(k, p) for k, (class_id, p) in enumerate(self.polygons, start=1) if class_id != IGNORE]
        points = np.concatenate([np.empty((0, 2)), *(p for _, p in counted)])
        owners = np.concatenate([np.empty(0, np.int32), *(np.full(len(p), k, np.int32) for k, p in counted)])
        inside = ((points >= 0) & (points < [self.width, self.height])).all(axis=1)
        points, owners = points[inside], owners[inside]
        padded = np.pad(self.owner_map, 1)
        x, y = np.clip(_pixels(points), 0, [self.width - 1, self.height - 1]).T + 1
        visible = np.zeros(len(points), dtype=bool)
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                visible |= padded[y + dy, x + dx] == owners
        return points[visible]


class LabelMapScene:
    """An image annotated with a label map only: its vertices are those of its contours, all visible.

    Definitions: docs/method.md#scenes-without-polygons.

    label_map: (H, W) uint8, 255 void. epsilon: Ramer-Douglas-Peucker tolerance in pixels.

    Raises:
        ValueError: another shape or dtype, labels outside the class list, or a tolerance that is not positive.
    """

    def __init__(self, label_map: NDArray[np.uint8], num_classes: int, epsilon: float) -> None:
        check_label_map(label_map)
        num_classes = whole_number("num_classes", num_classes, least=1, most=IGNORE)
        unknown = np.unique(label_map[(label_map >= num_classes) & (label_map != IGNORE)])
        if len(unknown):
            raise InputError(f"label_map has labels {unknown.tolist()}: {_class_list(num_classes)}")
        self.height, self.width = label_map.shape
        self.num_classes = num_classes
        self.label_map = label_map
        self._vertices = estimate_clicks(label_map, epsilon)

    def count(self, box: Box) -> Clicks:
        """Clicks of a box, counted on the label map itself.

        Raises:
            ValueError: the box reaches outside the image.
        """
        check_inside(box, self.height, self.width)
        return _box_clicks(int(np.count_nonzero(self._vertices[box.slices])), self.label_map, box)

    def whole_image(self) -> Clicks:
        """c_p and c_c of the whole image: every vertex and every component of evaluated classes."""
        return Clicks(int(np.count_nonzero(self._vertices)), 0, 0, count_components(self.label_map))

    def vertex_map(self) -> NDArray[np.uint8]:
        """(H, W) uint8, 1 at vertices."""
        return self._vertices.copy()


def count_region_clicks(labels: NDArray[np.uint8], epsilon: float) -> Clicks:
    """Clicks of a box of which nothing but its own labels is known, as where people answered it.

    As for a label map, but the contours end at the box: vertices on its outermost pixels are where they were cut, which
    the crossings of its border count.

    Args:
        labels: (h, w) uint8, 255 void.
        epsilon: Ramer-Douglas-Peucker tolerance in pixels.
    """
    check_label_map(labels)
    inner = estimate_clicks(labels, epsilon)[1:-1, 1:-1]
    return Clicks(int(np.count_nonzero(inner)), ring_changes(labels), BOX_CLICKS, count_components(labels))


def ring_changes(labels: NDArray[np.uint8]) -> int:
    """c_i: label changes along the closed ring of the outermost pixels of a box, all void as one class.

    Definition: docs/method.md#intersection-clicks.

    labels: (b, b) uint8, 255 void.
    """
    if labels.shape[0] == 1:
        return 0
    ring = np.concatenate([labels[0, :-1], labels[:-1, -1], labels[-1, :0:-1], labels[:0:-1, 0]])
    return int(np.count_nonzero(ring != np.roll(ring, 1)))


def count_components(labels: NDArray[np.uint8]) -> int:
    """c_c: 8-connected components of evaluated classes (docs/method.md#class-clicks).

    labels: (H, W) uint8, 255 void.
    """
    # cc3d takes 0 for background: in uint8, 255 + 1 wraps to it, and every class moves up by one.
    shifted = np.ascontiguousarray(labels) + np.uint8(1)
    _, count = cc3d.connected_components(shifted, connectivity=8, return_N=True)
    return int(count)


def _box_clicks(vertices: int, label_map: NDArray[np.uint8], box: Box) -> Clicks:
    labels = label_map[box.slices]
    return Clicks(vertices, ring_changes(labels), BOX_CLICKS, count_components(labels))


def _checked(index: int, class_id: int, points: ArrayLike, num_classes: int) -> tuple[int, NDArray[np.float64]]:
    whole = isinstance(class_id, (int, np.integer)) and not isinstance(class_id, bool)
    if not whole or not (0 <= class_id < num_classes or class_id == IGNORE):
        raise InputError(f"polygon {index} has class {class_id}: {_class_list(num_classes)}")
    try:
        array = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"polygon {index} has points that aren't numbers ({error}): give (N, 2), x before y") from None
    if array.size == 0:
        return class_id, np.empty((0, 2))
    if array.ndim != 2 or array.shape[1] != 2:
        raise InputError(f"polygon {index} has points of shape {array.shape}: give (N, 2), x before y")
    if not np.isfinite(array).all():
        faulty = array[~np.isfinite(array).all(axis=1)][0]
        raise InputError(f"polygon {index} has the vertex {faulty.tolist()}: correct it to finite numbers or remove it")
    return class_id, array


def _class_list(num_classes: int) -> str:
    return f"classes are 0 to {num_classes - 1}, and {IGNORE} for void; correct the label or the number of classes"


def _pixels(points: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.floor(np.clip(points, -FARTHEST, FARTHEST) + 0.5).astype(np.int64)

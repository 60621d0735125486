"""The shapes of a picture painted over the region of one task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.sample import IGNORED
from raymeta.exchange.class_names import ClassNames
from raymeta.exchange.drawn_pictures import DrawnPicture, DrawnShape, bounds
from raymeta.exchange.effort import AnswerShape, HumanClicks, count_clicks
from raymeta.exchange.errors import shown
from raymeta.exchange.manifest import Task
from raymeta.exchange.prelabel_matching import SAME_PX, MatchedShape, Prelabels
from raymeta.exchange.rasterizer import NOBODY, paint
from raymeta.exchange.task_matching import Frame

_BOX_TOLERANCE = 1.02
"""Pixels: some tools count the last pixel, others its far corner."""


@dataclass(eq=False)
class RegionPainting:
    """What is seen of a picture in the region of a task.

    label_map: (h, w) uint8 class ids, 255 void or uncovered. uncovered: (h, w) bool. touched: whether any shape has a
    pixel there, seen or hidden. mixed: whether a segment that is asked was said to have several classes.
    """

    label_map: NDArray[np.uint8]
    uncovered: NDArray[np.bool_]
    touched: bool
    shapes: tuple[AnswerShape, ...]
    deleted: tuple[str, ...]
    clicks: HumanClicks
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    mixed: bool = False


def paint_region(
    picture: DrawnPicture, task: Task, frame: Frame, class_ids: Mapping[int, int], names: ClassNames
) -> RegionPainting:
    """Paint the shapes of a picture over a task's region, in the data set's pixels, by their own rules.

    Args:
        picture: its shapes in painting order.
        task: which region, at which scale.
        frame: from the picture to the stored image.
        class_ids: class id or 255 by the place of each shape in the picture; shapes without aren't painted.
        names: of the classes.
    """
    top, left, height, width = task.region
    canvas = _canvas(picture, task, frame)
    owners = np.full(canvas[2:], NOBODY, np.int32)
    covers = np.zeros(canvas[2:], np.int32)
    rings = {place: [frame.to_image(ring) for ring in picture.shapes[place].rings] for place in sorted(class_ids)}
    painted = {}
    for place, moved in rings.items():
        shape = picture.shapes[place]
        asked = [ring * task.scale - np.array([canvas[1], canvas[0]], dtype=np.float64) for ring in moved]
        painted[place] = paint(owners, covers, asked, place, fill=shape.fill, rule=shape.rule)
    part = slice(top - canvas[0], top - canvas[0] + height), slice(left - canvas[1], left - canvas[1] + width)
    owners, covers = owners[part], covers[part]
    table = np.full(len(picture.shapes) + 1, IGNORED, np.uint8)  # the last one stands for nobody, -1
    for place, class_id in class_ids.items():
        table[place] = class_id
    seen = np.bincount(owners.ravel() + 1, minlength=len(picture.shapes) + 1)[1:]
    crop = (task.crop.left, task.crop.top) if frame.whole_image else (frame.left, frame.top)
    prelabels = Prelabels(task, crop)
    shapes = _answer_shapes(picture, rings, class_ids, seen, prelabels, names)
    shapes = _judged_masks(shapes, table[owners], prelabels, names)
    area = (left / task.scale, top / task.scale, (left + width) / task.scale, (top + height) / task.scale)
    clicked = [_clicked(picture.shapes[place], frame) for place in rings]
    result = RegionPainting(
        label_map=table[owners],
        uncovered=owners == NOBODY,
        touched=bool((owners != NOBODY).any()),
        shapes=tuple(shapes),
        deleted=prelabels.deleted(),
        clicks=count_clicks(shapes, clicked, prelabels, area),
    )
    _report_outside(result, picture, list(rings), frame)
    _report_box(result, picture, frame, area)
    outside = sum(1 for place, pixels in painted.items() if pixels == 0 and not frame.whole_image and rings[place])
    if outside:
        result.notes.append(f"{outside} shape{'s' * (outside > 1)} without a pixel in the box: not read")
    if not picture.ordered and (twice := int(np.count_nonzero(covers > 1))):
        result.faults.append(f"{twice} px lie in two shapes; the later one counts")
    return result


def _canvas(picture: DrawnPicture, task: Task, frame: Frame) -> tuple[int, int, int, int]:
    """Top, left, height and width of what is painted: the region, or all of the picture for the inclusive rule."""
    top, left, height, width = task.region
    if all(shape.rule == "corner" for shape in picture.shapes):
        return task.region
    first, start = min(int(frame.top * task.scale), top), min(int(frame.left * task.scale), left)
    last = max(round((frame.top + frame.height) * task.scale), top + height)
    end = max(round((frame.left + frame.width) * task.scale), left + width)
    return first, start, last - first, end - start


def _answer_shapes(
    picture: DrawnPicture,
    rings: Mapping[int, Sequence[NDArray[np.float64]]],
    class_ids: Mapping[int, int],
    seen: NDArray[np.int64],
    prelabels: Prelabels,
    names: ClassNames,
) -> list[AnswerShape]:
    """Shapes in painting order, each with what became of its pre-annotation.

    rings: of each shape that is painted, by its place, in the stored image's coordinates. seen: pixels of each place.
    """
    drawn = [picture.shapes[place] for place in rings]
    labels = [names.names.get(class_ids[place], "void") for place in rings]
    marks = prelabels.match(
        [
            MatchedShape(label, tuple(rings[place]), shape.geometry, shape.shape_id, shape.mark)
            for label, place, shape in zip(labels, rings, drawn, strict=True)
        ]
    )
    return [
        AnswerShape(
            label=labels[order],
            class_id=class_ids[place],
            rings=tuple(rings[place]),
            geometry=drawn[order].geometry,
            fill=drawn[order].fill,
            rule=drawn[order].rule,
            order=order,
            mark=marks[order][0],
            prelabel=marks[order][1],
            pixels=int(seen[place]),
        )
        for order, place in enumerate(rings)
    ]


def _judged_masks(
    shapes: list[AnswerShape], label_map: NDArray[np.uint8], prelabels: Prelabels, names: ClassNames
) -> list[AnswerShape]:
    """Masks whose class has exactly the pixels that were predicted are unchanged."""
    unknown = [shape.label for shape in shapes if shape.geometry == "mask" and shape.mark is None and shape.pixels]
    if not unknown:
        return shapes
    unchanged = prelabels.match_masks(unknown, label_map, names.ids)
    return [
        replace(shape, mark="unchanged") if shape.mark is None and unchanged.get(shape.label) else shape
        for shape in shapes
    ]


def _clicked(shape: DrawnShape, frame: Frame) -> NDArray[np.float64] | None:
    points = shape.clicked
    return None if points is None else frame.to_image(points)


def _report_outside(result: RegionPainting, picture: DrawnPicture, places: list[int], frame: Frame) -> None:
    """Tell by how much shapes reach outside the picture, the farthest of each label."""
    if picture.height is None or picture.width is None:
        return
    farthest: dict[str, float] = {}
    for place in places:
        shape = picture.shapes[place]
        if shape.rings:
            left, top, right, bottom = bounds(shape.rings)
            reach = max(-left, -top, right - picture.width, bottom - picture.height)
            farthest[shape.label] = max(reach, farthest.get(shape.label, 0.0))
    what = "image" if frame.whole_image else "picture"
    for label, reach in farthest.items():
        if reach > SAME_PX:
            result.faults.append(f"{shown(label)} reaches {reach:.4g} px outside the {what}: cut off")


def _report_box(
    result: RegionPainting, picture: DrawnPicture, frame: Frame, area: tuple[float, float, float, float]
) -> None:
    if picture.box is None:
        return
    left, top, right, bottom = picture.box
    corners = frame.to_image(np.array([[left, top], [right, bottom]]))
    found = (*corners.min(axis=0), *corners.max(axis=0))
    moved = max(abs(one - other) for one, other in zip(found, area, strict=True))
    if moved > _BOX_TOLERANCE:
        result.faults.append(f"its box was moved by {moved:.4g} px: the manifest's box is used")

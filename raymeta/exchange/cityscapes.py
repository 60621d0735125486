"""Cityscapes' polygon JSON, one file an image: vertices are whole pixels, outlines are painted, in the order of the list.

The only format that keeps this inclusive rule; raymeta reads its data sets the same way.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.cityscapes_labels import FRAME_LABELS
from raymeta.exchange.drawn_pictures import UNDECIDABLE, DrawnPicture, DrawnShape, check_size
from raymeta.exchange.errors import ExchangeError, ShapeFault
from raymeta.exchange.json_values import entries, mapping, point_list, short_text, text, whole
from raymeta.exchange.manifest import TaskClass
from raymeta.exchange.planar_shapes import shape_mask

ENDING: Final = "_gtFine_polygons.json"
VOID: Final = "unlabeled"


def recognises(content: Any) -> bool:
    """Whether parsed JSON is a polygon file of Cityscapes."""
    return isinstance(content, dict) and {"imgHeight", "imgWidth", "objects"} <= content.keys()


def read(content: Any, name: str) -> Iterator[DrawnPicture]:
    """The picture of one file; its name is the file's, without the ending of Cityscapes.

    Raises:
        ExchangeError: no size, or absurd contents.
    """
    try:
        height, width = whole(content, "imgHeight", 1), whole(content, "imgWidth", 1)
        objects = entries(content, "objects")
        own = mapping(content, "raymeta", {})
    except ShapeFault as fault:
        raise ExchangeError(f"{name}: {fault}") from None
    check_size(name, height, width)
    picture = DrawnPicture(name.removesuffix(ENDING), height, width, task_id=short_text(own.get("task")))
    picture.tool = "cityscapes"
    if own.get(UNDECIDABLE) is True:
        picture.verdict = "undecidable"
    for index, entry in enumerate(objects):
        with picture.shape(f"object {index}"):
            label = text(entry, "label")
            if entry.get("deleted") or label in FRAME_LABELS:
                continue
            ring = point_list(entries(entry, "polygon"))
            picture.add(DrawnShape(label, (ring,), rule="inclusive", name=f"object {index}"))
            picture.who = short_text(entry.get("user")) or picture.who
            picture.finished = short_text(entry.get("date")) or picture.finished
    return iter([picture])


def write(
    pictures: Iterable[DrawnPicture], classes: Sequence[TaskClass], *, answered: bool = True
) -> Iterator[tuple[str, bytes]]:
    """One file a picture: rings through the outermost pixels of each shape, enclosing shapes first.

    Args:
        pictures: their shapes in painting order, enclosing ones first.
        classes: have no list in this format.
        answered: has no meaning here.
    """
    for picture in pictures:
        height, width = picture.height or 0, picture.width or 0
        objects = [
            {"label": VOID if shape.label == "void" else shape.label, "polygon": ring}
            for shape in picture.shapes
            for ring in inclusive_rings(shape, height, width)
        ]
        content: dict[str, Any] = {"imgHeight": height, "imgWidth": width, "objects": objects}
        content["raymeta"] = {"task": picture.task_id, UNDECIDABLE: picture.verdict == "undecidable"}
        stem = picture.name.rsplit(".", 1)[0]
        yield f"{stem}{ENDING}", json.dumps(content, ensure_ascii=False).encode()


def inclusive_rings(shape: DrawnShape, height: int, width: int) -> list[list[list[int]]]:
    """Rings through the outermost pixels of a shape, without its holes; painted inclusively they cover it."""
    import cv2

    mask, top, left = shape_mask(shape, height, width)
    if not mask.any():
        return []
    contours, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [_ring(contour[:, 0] + np.array([left, top])) for contour in contours]


def _ring(points: NDArray[Any]) -> list[list[int]]:
    ring = [[int(x), int(y)] for x, y in points]
    return ring + ring[-1:] * (3 - len(ring))  # a pixel or a line: readers want three points

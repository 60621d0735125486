"""Cityscapes' polygon JSON, one file an image: vertices are whole pixels, outlines are painted, later objects cover.

The only format that keeps this inclusive rule; raymeta reads its data sets the same way.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.cityscapes_labels import FRAME_LABELS
from raymeta.exchange.drawn_pictures import (
    UNDECIDABLE,
    VOID_LABELS,
    DrawnPicture,
    DrawnShape,
    bounds,
    check_size,
)
from raymeta.exchange.errors import ExchangeError, ShapeFault
from raymeta.exchange.json_values import entries, mapping, point_list, short_text, text, whole
from raymeta.exchange.manifest import TaskClass
from raymeta.exchange.outlines import find_outlines
from raymeta.exchange.planar_shapes import shape_mask, shape_owners

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
    shown_name = name[: -len(ENDING)] if name.lower().endswith(ENDING.lower()) else name
    picture = DrawnPicture(shown_name, height, width, task_id=short_text(own.get("task")))
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
    """One file a picture: rings through the outermost pixels of what is seen, enclosing ones first.

    Args:
        pictures: their shapes in painting order.
        classes: have no list in this format.
        answered: has no meaning here.
    """
    for picture in pictures:
        height, width = picture.height or 0, picture.width or 0
        seen = visible_shapes(picture.shapes, height, width)
        objects = [
            {
                "label": VOID if shape.label in VOID_LABELS else shape.label,
                "polygon": shape.rings[0].astype(int).tolist(),
            }
            for shape in seen
        ]
        content: dict[str, Any] = {"imgHeight": height, "imgWidth": width, "objects": objects}
        content["raymeta"] = {"task": picture.task_id, UNDECIDABLE: picture.verdict == "undecidable"}
        stem = picture.name.rsplit(".", 1)[0]
        yield f"{stem}{ENDING}", json.dumps(content, ensure_ascii=False).encode()


def visible_shapes(shapes: Sequence[DrawnShape], height: int, width: int) -> list[DrawnShape]:
    """Shapes of one ring of whole pixels which, painted inclusively in this order, give what is seen of the shapes.

    Args:
        shapes: in painting order.
        height: of the picture in pixels.
        width: of the picture in pixels.

    Returns:
        One a 4-connected component. Uncovered parts that others may enclose are `unlabeled`.
    """
    owners = shape_owners(shapes, height, width)
    known = [DrawnShape(VOID, ()), *shapes]
    found: list[tuple[int, DrawnShape]] = []
    for outline in find_outlines(owners + 1, ignored=-1):
        left, top, right, bottom = map(int, bounds(outline.rings[:1]))
        if outline.value == 0 and (left == 0 or top == 0 or right == width or bottom == height):
            continue  # nothing encloses what lies at the border
        mask, first, start = shape_mask(DrawnShape("", outline.rings), height, width)
        ring, enclosed = _outer_ring(mask)
        moved = np.array(ring, dtype=np.float64) + np.array([start, first])
        shape = replace(known[outline.value], rings=(moved,), geometry="polygon", fill="even-odd", rule="inclusive")
        found.append((enclosed, shape))
    return [shape for _, shape in sorted(found, key=lambda each: -each[0])]


def _outer_ring(mask: NDArray[np.bool_]) -> tuple[list[list[int]], int]:
    """Ring through the outermost pixels of one 4-connected component, and how many pixels it covers."""
    import cv2

    contours, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    covered = cv2.fillPoly(np.zeros(mask.shape, np.uint8), [contours[0]], (1,))
    ring = [[int(x), int(y)] for x, y in contours[0][:, 0]]
    return ring + ring[-1:] * (3 - len(ring)), int(np.count_nonzero(covered))  # readers want three points

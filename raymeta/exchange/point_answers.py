"""The class at one point: how people see where it is asked, and what of a drawn picture answers it.

See docs/method.md#points.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from raymeta.exchange.class_names import ClassNames
from raymeta.exchange.drawn_pictures import DrawnPicture, DrawnPoint, rectangle_ring
from raymeta.exchange.effort import AnswerShape, HumanClicks
from raymeta.exchange.manifest import Task
from raymeta.exchange.region_painting import RegionPainting
from raymeta.exchange.task_matching import Frame

RING_PX: Final = 9.0
"""Radius of the ring in pixels of the picture, and how far from the asked pixel a point may lie that answers it."""
_BRIGHT_PX: Final = 0.75
_DARK_PX: Final = 1.75


def ringed(pixels: NDArray[np.uint8], box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """A picture with a bright and dark ring around the middle of a box, which stays free.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        box: top, left, height and width in pixels of the picture.
    """
    top, left, height, width = box
    rows, columns = np.ogrid[: pixels.shape[0], : pixels.shape[1]]
    away = np.hypot(rows + 0.5 - (top + height / 2), columns + 0.5 - (left + width / 2))
    radius = ring_radius(height, width)
    result = pixels.copy()
    result[np.abs(away - radius) < _DARK_PX] = 0
    result[np.abs(away - radius) < _BRIGHT_PX] = 255
    return result


def ring_radius(height: float, width: float) -> float:
    """Radius of the ring around a box of this size, in the same pixels."""
    return max(RING_PX, max(height, width) / 2 + 4)


def point_painting(
    painting: RegionPainting,
    picture: DrawnPicture,
    task: Task,
    frame: Frame,
    class_ids: Mapping[str, int],
    names: ClassNames,
) -> RegionPainting:
    """What a picture says about a task that asks for a point: its class, all over the task's region.

    A drawn point counts if it lies in the ring, the last of them before all shapes; else the shape that is seen at the
    middle pixel.

    Args:
        painting: of the shapes over the region.
        picture: with its single points.
        task: that asks for a point.
        frame: from the picture to the stored image.
        class_ids: class id, or 255 for void, by the label of each single point.
        names: of the classes.
    """
    near = [point for point in picture.single_points if _away(point, task, frame) <= _reach(task)]
    notes = list(painting.notes)
    if far := len(picture.single_points) - len(near):
        notes.append(f"{far} point{'s' * (far > 1)} outside the ring: not read")
    if near:
        shape = _answer_shape(near[-1], task, class_ids[near[-1].label], names)
        painting = replace(
            painting, shapes=(shape,), deleted=(), clicks=HumanClicks(0, 0, 0, 1, 0), touched=True, faults=[]
        )
        value, known = shape.class_id, True
    else:
        _, _, height, width = task.region
        middle = height // 2, width // 2
        value, known = int(painting.label_map[middle]), not painting.uncovered[middle]
    return replace(
        painting,
        label_map=np.full_like(painting.label_map, value),
        uncovered=np.full_like(painting.uncovered, not known),
        touched=known,
        notes=notes,
    )


def _answer_shape(point: DrawnPoint, task: Task, class_id: int, names: ClassNames) -> AnswerShape:
    top, left, height, width = (side / task.scale for side in task.region)
    return AnswerShape(
        label=names.names.get(class_id, "void"),
        class_id=class_id,
        rings=(rectangle_ring(left, top, left + width, top + height),),
        geometry="point",
        fill="even-odd",
        rule="corner",
        order=0,
        mark="new",
        prelabel=None,
        pixels=task.region[2] * task.region[3],
    )


def _away(point: DrawnPoint, task: Task, frame: Frame) -> float:
    """Pixels of the stored image from a drawn point to the middle of what is asked."""
    [place] = frame.to_image(np.array([[point.x, point.y]]))
    top, left, height, width = (side / task.scale for side in task.region)
    return float(np.hypot(place[0] - (left + width / 2), place[1] - (top + height / 2)))


def _reach(task: Task) -> float:
    return ring_radius(task.region[2] / task.scale, task.region[3] / task.scale) + 0.5

"""The class of a predicted segment: what of a drawn picture answers it (docs/method.md#one-click-segments)."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.sample import IGNORED
from raymeta.exchange.drawn_pictures import DrawnPicture
from raymeta.exchange.effort import HumanClicks
from raymeta.exchange.manifest import Task
from raymeta.exchange.rasterizer import fill_rings
from raymeta.exchange.region_painting import RegionPainting
from raymeta.exchange.task_matching import Frame

_ONE_CLICK = HumanClicks(0, 0, 0, 1, 0)


def segment_painting(
    painting: RegionPainting,
    picture: DrawnPicture,
    task: Task,
    frame: Frame,
    class_ids: Mapping[str, int],
) -> RegionPainting:
    """What a picture says about a task that asks for the class of a segment.

    The shape left as it is confirms the class, a shape of another class fixes it; without it, or as void, the segment
    is mixed. The last point of a class in the region then names that of the segment's innermost pixel, where that is
    asked. What people draw beyond that is taken as they draw it. Pixels without a shape have no class, and nothing
    lacks.

    Args:
        painting: of the shapes over the region.
        picture: with its single points.
        task: that asks for a segment.
        frame: from the picture to the stored image.
        class_ids: class id, or 255 for void, by the label of each single point.
    """
    label_map = np.where(painting.uncovered, IGNORED, painting.label_map).astype(np.uint8)
    clicks, notes, mixed = painting.clicks, list(painting.notes), False
    near = [point for point in picture.single_points if _inside((point.x, point.y), task, frame)]
    named = task.segment.named if task.segment is not None else None
    if picture.single_points and (named is None or not near):
        notes.append(f"single points say nothing here: not read ({len(picture.single_points)})")
    elif near and named is not None:
        label_map = np.full_like(label_map, IGNORED)
        top, left, _, _ = task.region
        asked = np.zeros(label_map.shape, np.bool_)
        rows = slice(named.top - top, named.top - top + (named.height or named.width))
        asked[rows, named.left - left : named.left - left + named.width] = True
        label_map[asked & question_mask(task)] = class_ids[near[-1].label]
        clicks, mixed = _ONE_CLICK, True
    elif painting.deleted and not any(shape.pixels for shape in painting.shapes):
        clicks = _ONE_CLICK
    return replace(
        painting,
        label_map=label_map,
        uncovered=np.zeros_like(painting.uncovered),
        touched=True,
        clicks=clicks,
        notes=notes,
        mixed=mixed,
    )


def question_mask(task: Task) -> NDArray[np.bool_]:
    """(h, w) bool over the task's region, in the data set's pixels: the segment that is asked."""
    top, left, height, width = task.region
    mask = np.zeros((height, width), np.bool_)
    for prelabel in task.prelabels:  # of Cityscapes' shapes those of other labels lie in holes
        offset = np.array([task.crop.left, task.crop.top])
        rings = [(ring + offset) * task.scale - [left, top] for ring in prelabel.rings]
        shown = task.segment is not None and prelabel.label == task.segment.predicted
        mask[fill_rings(rings, height, width, rule=prelabel.rule)] = shown
    return mask


def _inside(place: tuple[float, float], task: Task, frame: Frame) -> bool:
    """Whether a point of the picture lies in the task's region."""
    [[x, y]] = frame.to_image(np.array([place])) * task.scale
    top, left, height, width = task.region
    return bool(left <= x < left + width and top <= y < top + height)

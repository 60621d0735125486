"""Pre-annotations as shapes on the picture that people get."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from raymeta.annotation.segment_answers import point_mask
from raymeta.exchange.drawn_pictures import DrawnShape
from raymeta.exchange.manifest import SegmentQuestion, TaskBox
from raymeta.exchange.planar_shapes import partition_shapes
from raymeta.exchange.simplified_shapes import simplify_shapes
from raymeta.labels.prelabels import PredictedSegment
from raymeta.labels.task_pictures import TaskPictures
from raymeta.labels.task_sets import Task
from raymeta.schemas import IGNORE


def predrawn_shapes(
    segments: Iterable[PredictedSegment], pictures: TaskPictures, task: Task, simplify: float = 0.0
) -> list[DrawnShape]:
    """The predicted segments of a task, in corner coordinates of the picture as it is stored.

    Args:
        segments: of the task.
        pictures: of the run.
        task: whose image they lie in.
        simplify: tolerance in pixels of the picture; 0 keeps every step of the pixels.

    Raises:
        InputError: no finite tolerance from 0.
    """
    names, scale = pictures.dataset.class_names, pictures.scale(task)
    shapes = [
        DrawnShape(
            names[segment.class_id],
            tuple(ring / scale for ring in segment.rings),
            shape_id=segment.id,
            score=segment.predicted_iou,
        )
        for segment in segments
    ]
    return simplify_shapes(shapes, simplify)


def asked_segment(
    task: Task, pictures: TaskPictures, named_width: int | None
) -> tuple[list[DrawnShape], SegmentQuestion]:
    """The segment whose class a task asks for: its shapes along pixel edges, and the question.

    Args:
        task: that asks for a segment.
        pictures: of the run.
        named_width: of the square that a point labels where the segment is mixed, in the data set's pixels; None where
            points aren't asked.

    Returns:
        Shapes in corner coordinates of the picture as it is stored, one a 4-connected part.
    """
    mask, predicted = task.segment_mask, task.predicted_class
    assert mask is not None, "the task asks for a segment"
    assert predicted is not None, "and knows its class"
    name, scale = pictures.dataset.class_names[predicted], pictures.scale(task)
    parts = partition_shapes(np.where(mask, predicted, IGNORE).astype(np.uint8), {predicted: name})
    offset = np.array([task.left, task.top])
    shapes = [
        replace(shape, rings=tuple((ring + offset) / scale for ring in shape.rings), shape_id=f"s{number}")
        for number, shape in enumerate(parts, start=1)
    ]
    if named_width is None:
        return shapes, SegmentQuestion(predicted=name)
    rows, columns = np.nonzero(point_mask(mask, named_width))
    top, left = int(rows.min()), int(columns.min())
    named = TaskBox(
        top=task.top + top,
        left=task.left + left,
        height=int(rows.max()) - top + 1,
        width=int(columns.max()) - left + 1,
    )
    return shapes, SegmentQuestion(predicted=name, named=named)

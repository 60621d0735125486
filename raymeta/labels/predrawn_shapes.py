"""Pre-annotations as shapes on the picture that people get."""

from collections.abc import Iterable

from raymeta.exchange.drawn_pictures import DrawnShape
from raymeta.exchange.simplified_shapes import simplify_shapes
from raymeta.labels.prelabels import PredictedSegment
from raymeta.labels.task_pictures import TaskPictures
from raymeta.labels.task_sets import Task


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

"""What a task that asks for the class of a segment shows."""

import numpy as np

from raymeta.annotation.segment_answers import innermost_pixel
from raymeta.labels.answer_files import encode_labels
from raymeta.labels.predrawn_shapes import asked_segment
from raymeta.labels.task_pictures import TaskPictures
from raymeta.labels.task_sets import Task
from raymeta.service.tasks.task_answers import PixelAnswer, RegionAnswer, SegmentQuestionAnswer


def segment_question(task: Task, pictures: TaskPictures, named_width: int | None) -> SegmentQuestionAnswer | None:
    """The segment and what may be said of it; None where a task asks for something else.

    Args:
        task: any task.
        pictures: of the run.
        named_width: as of `asked_segment`.
    """
    mask, predicted = task.segment_mask, task.predicted_class
    if mask is None or predicted is None:
        return None
    shapes, question = asked_segment(task, pictures, named_width)
    named, point = question.named, None
    if named is not None:
        row, column = innermost_pixel(mask)
        point = PixelAnswer(row=task.top + row, column=task.left + column)
    return SegmentQuestionAnswer(
        class_id=predicted,
        class_name=question.predicted,
        pixels=int(np.count_nonzero(mask)),
        mask_png=encode_labels(mask.astype(np.uint8)),
        rings=[ring.tolist() for shape in shapes for ring in shape.rings],
        point=point,
        point_region=None if named is None else RegionAnswer(**named.model_dump()),
    )

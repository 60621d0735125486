"""Predicted segments of a task as Label Studio takes them: pre-drawn regions on the picture that was handed out."""

import io
import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raymeta.exchange.drawn_pictures import DrawnPicture, DrawnShape
from raymeta.exchange.label_studio import write
from raymeta.exchange.manifest import Task
from raymeta.exchange.planar_shapes import partition_shapes, without_holes
from raymeta.service.http.service_state import ServiceState
from raymeta.service.scoring.scoring_request import MapName, ScoringRequest


@dataclass(frozen=True)
class RegionPrediction:
    """result: of Label Studio. score: mean predicted IoU of the region's pixels, 0 where nobody predicts it."""

    result: list[dict[str, Any]]
    score: float
    model_version: str


NOTHING = RegionPrediction([], 0.0, "raymeta")


async def predict_region(state: ServiceState, task: Task, class_names: tuple[str, ...]) -> RegionPrediction:
    """What the live iteration sees in a task's region; nothing for an image that isn't in the pool.

    Args:
        state: of the service.
        task: as it was handed out.
        class_names: by class id.

    Raises:
        BackendBusyError: too many requests wait.
    """
    if task.segment is not None:  # the question, whatever the network has learnt since
        return RegionPrediction(question_result(task), 0.0, "raymeta's question")
    classes, iteration = await _map(state, task.image_id, "segmentation")
    if classes is None:
        return NOTHING
    ious, _ = await _map(state, task.image_id, "predicted_iou")
    top, left, height, width = task.region
    inside = np.s_[top : top + height, left : left + width]
    score = 0.0 if ious is None else float(np.mean(ious[inside], dtype=np.float64))
    result = region_result(classes[inside].astype(np.uint8), task, class_names)
    return RegionPrediction(result, score, f"raymeta iteration {iteration}")


def question_result(task: Task) -> list[dict[str, Any]]:
    """The segment that a task asks for, as it was handed out."""
    shapes = [DrawnShape(each.label, each.rings, shape_id=each.id) for each in task.prelabels]
    return _result(DrawnPicture(f"{task.id}.png", task.crop.height, task.crop.width, task.id, shapes))


def region_result(classes: NDArray[np.uint8], task: Task, class_names: tuple[str, ...]) -> list[dict[str, Any]]:
    """A result whose regions read back to the class ids, pixel for pixel.

    Args:
        classes: (h, w) uint8, class ids of the task's region in the data set's pixels.
        task: as it was handed out.
        class_names: by class id.

    Returns:
        Polygons along pixel edges, brushes where there are holes, and the box.
    """
    top, left, height, width = task.region
    corner, crop = np.array([left, top], np.float64), np.array([task.crop.left, task.crop.top], np.float64)
    shapes = [
        replace(shape, rings=tuple((ring + corner) / task.scale - crop for ring in shape.rings))
        for shape in partition_shapes(classes, dict(enumerate(class_names)))
    ]
    drawn = without_holes(shapes, task.crop.height, task.crop.width)
    box = None
    if task.box is not None:
        ends = np.array([[left, top], [left + width, top + height]], dtype=np.float64) / task.scale - crop
        box = (float(ends[0, 0]), float(ends[0, 1]), float(ends[1, 0]), float(ends[1, 1]))
    return _result(DrawnPicture(f"{task.id}.png", task.crop.height, task.crop.width, task.id, list(drawn), box=box))


def _result(picture: DrawnPicture) -> list[dict[str, Any]]:
    ((_, data),) = write([picture], (), answered=False)
    found: list[dict[str, Any]] = json.loads(data)[0]["predictions"][0]["result"]
    return found


async def _map(state: ServiceState, image_id: str, name: MapName) -> tuple[NDArray[Any] | None, int | None]:
    """A map of a pool image and the iteration that made it; None where it can't be had."""
    answer = await state.score(ScoringRequest("map", image_id=image_id, map_name=name, map_format="npz"))
    if answer.status != 200:
        return None, answer.iteration
    with np.load(io.BytesIO(answer.content), allow_pickle=False) as arrays:
        return arrays["map"], answer.iteration

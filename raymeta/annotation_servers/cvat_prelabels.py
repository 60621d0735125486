"""Predicted shapes as CVAT's API takes them: polygons of one ring, and masks where there are holes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from raymeta.exchange.drawn_pictures import DrawnShape
from raymeta.exchange.manifest import Prelabel, Task
from raymeta.exchange.planar_shapes import shape_mask
from raymeta.exchange.run_lengths import encode_runs


def prelabel_shapes(task: Task, frame: int, labels: Mapping[str, int]) -> list[dict[str, Any]]:
    """Shapes of one picture, in painting order.

    Args:
        task: with its pre-annotations.
        frame: of the picture at the server.
        labels: label ids by name.
    """
    shapes = []
    for z_order, prelabel in enumerate(task.prelabels):
        kind, points = _points(prelabel, task.crop.height, task.crop.width)
        shape = {"type": kind, "points": points, "frame": frame, "label_id": labels[prelabel.label]}
        shapes.append(shape | {"z_order": z_order, "source": "auto", "occluded": False, "attributes": []})
    return shapes


def _points(prelabel: Prelabel, height: int, width: int) -> tuple[str, list[float]]:
    if not prelabel.holes:
        return "polygon", [float(value) for value in np.array(prelabel.points).ravel()]
    mask, top, left = shape_mask(DrawnShape(prelabel.label, prelabel.rings, "mask"), height, width)
    ends = [left, top, left + mask.shape[1] - 1, top + mask.shape[0] - 1]
    return "mask", [float(value) for value in [*encode_runs(mask), *ends]]

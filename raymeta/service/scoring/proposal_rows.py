"""What is proposed in one image as JSON values: boxes, squares around points, or parts of tiles with their outlines."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from raymeta.boxes import Box, unpack_mask
from raymeta.schemas import ESTIMATED_CLICKS, LEFT, PREDICTED_CLASS, RANK, SCORE, SEGMENT, TOP, WIDTH
from raymeta.service.scoring.segment_polygons import Ring, segment_polygons

FIELDS: Final = (RANK, TOP, LEFT, WIDTH, SCORE, ESTIMATED_CLICKS, "unlabelled_pixels")


def proposal_rows(query: pa.Table, size: tuple[int, ...], class_names: Sequence[str]) -> list[dict[str, Any]]:
    """The regions of one image, best first.

    Args:
        query: QUERY_SCHEMA, of parts with SEGMENT_FIELDS; no two parts share a pixel.
        size: H and W of the image, pixels.
        class_names: by class id.

    Returns:
        FIELDS of each region; of a part also its class and, as `polygon`, its rings.
    """
    rows = [{name: row[name] for name in FIELDS} for row in query.select(FIELDS).to_pylist()]
    if SEGMENT not in query.column_names:
        return rows
    classes = query[PREDICTED_CLASS].to_pylist()
    for row, class_id, polygon in zip(rows, classes, _polygons(query, size), strict=True):
        row |= {PREDICTED_CLASS: class_id, "class_name": class_names[class_id], "polygon": polygon}
    return rows


def _polygons(query: pa.Table, size: tuple[int, ...]) -> list[list[Ring]]:
    """Rings of each part."""
    numbers = np.zeros(size, np.int32)
    for row in query.to_pylist():
        box = Box(row[TOP], row[LEFT], row[WIDTH])
        numbers[box.slices][unpack_mask(row[SEGMENT], box.width)] = row[RANK]
    return segment_polygons(numbers, query[RANK].to_pylist())

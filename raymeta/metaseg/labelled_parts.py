"""Segments of an image that is labelled in parts: what a meta regressor learns from without a meta set."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta import schemas
from raymeta.metaseg.adjusted_iou import adjusted_iou
from raymeta.metaseg.segment_metrics import segment_metrics
from raymeta.metaseg.segments import find_segments

if TYPE_CHECKING:
    import torch

MIN_PIXELS: Final = 16
"""A part of fewer labelled pixels tells little about its segment, and is left out."""


def labelled_parts(softmax: "NDArray[np.floating[Any]] | torch.Tensor", target: NDArray[np.uint8]) -> pa.Table:
    """A row for each labelled part of a segment: the metrics of the whole segment, and the adjusted IoU of the part.

    A segment that two boxes cut comes twice. Metrics of parts would be those of other, smaller segments than a pool
    image has: sizes, boundaries and centres would be the boxes'.

    Args:
        softmax: (C, H, W) float32, see `segment_metrics`.
        target: (H, W) uint8, classes, 255 where nothing is labelled.

    Returns:
        A table of `schemas.segment_schema(C, True)`, by ascending part.
    """
    segments, table = segment_metrics(softmax)
    ignored = target == schemas.IGNORE
    parts = find_segments(np.where(ignored, np.uint8(schemas.IGNORE), segments.label_map))
    whole = np.zeros(parts.count + 1, dtype=np.int64)
    whole[parts.segment_map.ravel()] = segments.segment_map.ravel()
    pixels = np.bincount(parts.segment_map.ravel(), minlength=parts.count + 1)[1:]
    rows = np.flatnonzero(pixels >= MIN_PIXELS)
    iou = adjusted_iou(parts, target)[rows]
    return table.take(pa.array(whole[1:][rows] - 1)).append_column(schemas.IOU, pa.array(iou))

"""The segment table: one row a segment, what the meta regressor learns from (docs/method.md#segment-metrics)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta import schemas
from raymeta.metaseg.adjusted_iou import adjusted_iou
from raymeta.metaseg.heatmaps import METASEG_LOG_OFFSET
from raymeta.metaseg.segment_sums import SegmentSums
from raymeta.metaseg.segments import Segments, check_label_map, find_segments
from raymeta.metaseg.softmax_scan import SoftmaxScan, open_scan

if TYPE_CHECKING:
    import torch


def segment_metrics(
    softmax: "NDArray[np.floating[Any]] | torch.Tensor", target: NDArray[np.uint8] | None = None
) -> tuple[Segments, pa.Table]:
    """Segments of the arg-max of a softmax, and their metrics.

    Args:
        softmax: (C, H, W) float32, sums to 1 over C, 2 to 255 classes; float16 and float64 are cast to float32. A torch
            tensor is worked on where it lies, and not copied to main memory.
        target: (H, W) uint8, classes 0..C-1, 255 = ignored; ignored pixels belong to no segment. Without it every pixel
            belongs to a segment and the table has no `iou`.

    Returns:
        the segments, and a table of `schemas.segment_schema(C, target is not None)` whose row k-1 is segment k.

    Raises:
        ValueError: see `scan_softmax`; or a target of another size, dtype or with labels that are no class.

    Source: MetaSeg, arXiv:1811.00648.
    """
    return metrics_of_scan(open_scan(softmax, METASEG_LOG_OFFSET), target)


def metrics_of_scan(scan: SoftmaxScan, target: NDArray[np.uint8] | None = None) -> tuple[Segments, pa.Table]:
    """As `segment_metrics`, of a softmax that is scanned already, with METASEG_LOG_OFFSET."""
    label_map = scan.prediction
    if target is not None:
        target = _checked_target(target, (scan.num_classes, *label_map.shape))
        ignored = np.equal(target, schemas.IGNORE).view(np.uint8)
        label_map = np.bitwise_or(label_map, np.negative(ignored, out=ignored), out=ignored)  # 255 where ignored
    segments = find_segments(label_map)
    columns = dict(_columns(segments, scan.segment_sums(segments)))
    if target is not None:
        columns[schemas.IOU] = adjusted_iou(segments, target)
    schema = schemas.segment_schema(scan.num_classes, with_target=target is not None)
    return segments, pa.table([pa.array(columns[field.name], type=field.type) for field in schema], schema=schema)


def predicted_iou_map(segments: Segments, predicted_iou: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Paint every segment with its predicted IoU, or whatever is known of it.

    predicted_iou: (S,) in the order of the segments. Returns (H, W) float32, 0 where ignored.

    Raises:
        ValueError: not one value a segment.
    """
    if predicted_iou.shape != (segments.count,):
        raise ValueError(
            f"predicted_iou has shape {predicted_iou.shape}: pass one value for each of {segments.count} segments"
        )
    values = np.zeros(segments.count + 1, dtype=np.float32)
    values[1:] = predicted_iou
    return segments.runs.painted(values)


def _checked_target(target: NDArray[np.uint8], softmax_shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The target as a contiguous array, once its size, dtype and labels fit a softmax of that shape."""
    target = check_label_map(target, "target")
    classes, height, width = softmax_shape
    if target.shape != (height, width):
        raise ValueError(f"target has {target.shape} pixels, the softmax ({height}, {width}): resize one to the other")
    no_class = (target >= classes) & (target != schemas.IGNORE)
    if no_class.any():
        label = int(target[no_class].min())
        raise ValueError(f"target holds label {label}: use classes 0..{classes - 1}, or {schemas.IGNORE} where ignored")
    return target


def _columns(segments: Segments, sums: SegmentSums) -> Iterator[tuple[str, NDArray[Any]]]:
    """Name and values of every column but `iou`."""
    inner, boundary = sums.sizes[:, 0], sums.sizes[:, 1]
    size = inner + boundary
    divisor = np.maximum(boundary, 1)
    relative, relative_inner = size / divisor, inner / divisor
    yield schemas.SEGMENT_ID, np.arange(1, segments.count + 1, dtype=np.int32)
    yield schemas.CLASS_ID, segments.class_ids
    yield schemas.SIZE, size
    yield schemas.SIZE_INNER, inner
    yield schemas.SIZE_BOUNDARY, boundary
    yield schemas.SIZE_RELATIVE, relative
    yield schemas.SIZE_RELATIVE_INNER, relative_inner
    for name, by_side in zip(schemas.DISPERSIONS, (sums.entropy, sums.margin), strict=True):
        mean, mean_inner = by_side.sum(axis=1) / size, by_side[:, 0] / np.maximum(inner, 1)
        means = (mean, mean_inner, by_side[:, 1] / divisor, mean * relative, mean_inner * relative_inner)
        for suffix, values in zip(schemas.DISPERSION_SUFFIXES, means, strict=True):
            yield f"{name}{suffix}", values
    yield schemas.CENTER_ROW, sums.rows / size
    yield schemas.CENTER_COL, sums.cols / size
    for index in range(sums.probabilities.shape[1]):
        yield schemas.class_probability(index), sums.probabilities[:, index] / size

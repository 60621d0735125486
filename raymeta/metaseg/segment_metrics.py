"""The segment table: dispersion, shape, position and adjusted IoU of every segment (MetaSeg, arXiv:1811.00648)."""

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from raymeta.metaseg.adjusted_iou import adjusted_iou
from raymeta.metaseg.heatmaps import check_softmax, dispersion
from raymeta.metaseg.segments import Segments, find_segments
from raymeta.schemas import (
    CENTER_COL,
    CENTER_ROW,
    CLASS_ID,
    IGNORE,
    IOU,
    SEGMENT_ID,
    SIZE,
    SIZE_BOUNDARY,
    SIZE_INNER,
    SIZE_RELATIVE,
    SIZE_RELATIVE_INNER,
    class_probability,
    segment_schema,
)

Floats = NDArray[np.float64]


def segment_metrics(
    softmax: NDArray[np.float32], target: NDArray[np.uint8] | None = None
) -> tuple[Segments, pa.Table]:
    """Segments of the arg-max of a softmax, and one row of metrics for each (DESIGN 2.4).

    softmax: (C, H, W) float32, sums to 1 over C. target: (H, W) uint8 class ids, 255 ignored, or None: then every
    pixel belongs to a segment and there is no `iou` column.

    Raises:
        ValueError: shapes or dtypes that don't fit, values that are no probabilities, classes outside 0..C-1.
    """
    softmax = check_softmax(softmax)
    prediction, entropy_map, margin_map = dispersion(softmax)
    return metrics_of_prediction(softmax, prediction, entropy_map, margin_map, target)


def metrics_of_prediction(
    softmax: NDArray[np.float32],
    prediction: NDArray[np.uint8],
    entropy_map: NDArray[np.float32],
    margin_map: NDArray[np.float32],
    target: NDArray[np.uint8] | None = None,
) -> tuple[Segments, pa.Table]:
    """`segment_metrics` where `dispersion(softmax)` is at hand already."""
    if target is not None:
        _check_target(target, softmax)
        prediction = np.where(target == IGNORE, np.uint8(IGNORE), prediction)
    segments = find_segments(prediction)
    count = segments.count
    sizes, positions, dispersions = _sums(
        segments.segment_map, segments.boundary_mask, entropy_map, margin_map, count
    )
    probabilities = _class_sums(softmax, segments.segment_map, count) / np.maximum(sizes[0], 1)
    columns: dict[str, NDArray[np.generic]] = {
        SEGMENT_ID: np.arange(1, count + 1, dtype=np.int32),
        CLASS_ID: segments.class_ids,
        **_size_columns(sizes),
        CENTER_ROW: positions[0] / np.maximum(sizes[0], 1),
        CENTER_COL: positions[1] / np.maximum(sizes[0], 1),
    }
    for name, sums in zip(("entropy", "margin"), dispersions, strict=True):
        columns |= _dispersion_columns(name, sums, sizes)
    columns |= {class_probability(c): probabilities[c] for c in range(softmax.shape[0])}
    if target is not None:
        columns[IOU] = adjusted_iou(segments, prediction, target)
    schema = segment_schema(softmax.shape[0], with_target=target is not None)
    return segments, pa.table([pa.array(columns[name]) for name in schema.names], schema=schema)


def predicted_iou_map(segments: Segments, predicted_iou: Floats) -> NDArray[np.float32]:
    """Predicted IoU of its segment at each pixel, 0 where ignored.

    predicted_iou: (S,) float64. Returns (H, W) float32.

    Raises:
        ValueError: another number of values than segments.
    """
    if len(predicted_iou) != segments.count:
        raise ValueError(f"{len(predicted_iou)} predicted IoUs for {segments.count} segments: give one a segment")
    values = np.concatenate(([0.0], predicted_iou)).astype(np.float32)
    return values[segments.segment_map]


def _check_target(target: NDArray[np.uint8], softmax: NDArray[np.float32]) -> None:
    if target.shape != softmax.shape[1:] or target.dtype != np.uint8:
        raise ValueError(
            f"target has shape {target.shape} and dtype {target.dtype}: give {softmax.shape[1:]} uint8, as the softmax"
        )
    wrong = np.unique(target[(target >= softmax.shape[0]) & (target != IGNORE)])
    if wrong.size:
        raise ValueError(
            f"target holds the classes {wrong.tolist()}, the softmax has {softmax.shape[0]} classes: "
            f"use 0 to {softmax.shape[0] - 1}, and {IGNORE} for ignored pixels"
        )


def _size_columns(sizes: NDArray[np.int64]) -> dict[str, NDArray[np.generic]]:
    size, boundary = sizes
    divisor = np.maximum(boundary, 1)
    inner = size - boundary
    return {
        SIZE: size,
        SIZE_INNER: inner,
        SIZE_BOUNDARY: boundary,
        SIZE_RELATIVE: size / divisor,
        SIZE_RELATIVE_INNER: inner / divisor,
    }


def _dispersion_columns(name: str, sums: Floats, sizes: NDArray[np.int64]) -> dict[str, Floats]:
    size, boundary = sizes
    inner = size - boundary
    divisor = np.maximum(boundary, 1)
    mean = sums[0] / np.maximum(size, 1)
    mean_inner = (sums[0] - sums[1]) / np.maximum(inner, 1)
    return {
        name: mean,
        f"{name}_inner": np.where(inner > 0, np.maximum(mean_inner, 0.0), 0.0),
        f"{name}_boundary": sums[1] / divisor,
        f"{name}_relative": mean * (size / divisor),
        f"{name}_relative_inner": np.where(inner > 0, np.maximum(mean_inner, 0.0), 0.0) * (inner / divisor),
    }


@njit(cache=True, nogil=True)
def _sums(segment_map, boundary_mask, entropy_map, margin_map, count):  # type: ignore[no-untyped-def]
    """Sizes (all, boundary), summed rows and columns, and for entropy and margin sums over all and boundary pixels."""
    sizes = np.zeros((2, count + 1), np.int64)
    positions = np.zeros((2, count + 1), np.float64)
    sums = np.zeros((2, 2, count + 1), np.float64)
    height, width = segment_map.shape
    for row in range(height):
        for col in range(width):
            k = segment_map[row, col]
            entropy, margin = np.float64(entropy_map[row, col]), np.float64(margin_map[row, col])
            sizes[0, k] += 1
            positions[0, k] += row
            positions[1, k] += col
            sums[0, 0, k] += entropy
            sums[1, 0, k] += margin
            if boundary_mask[row, col]:
                sizes[1, k] += 1
                sums[0, 1, k] += entropy
                sums[1, 1, k] += margin
    return sizes[:, 1:].copy(), positions[:, 1:].copy(), sums[:, :, 1:].copy()


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _class_sums(softmax, segment_map, count):  # type: ignore[no-untyped-def]
    """(C, S) float64 sums of the softmax over each segment, by horizontal runs so that the inner loop vectorises."""
    classes, height, width = softmax.shape
    sums = np.zeros((classes, count + 1), np.float64)
    starts = np.empty(width + 1, np.int64)
    for row in range(height):
        runs = 0
        for col in range(width):
            if col == 0 or segment_map[row, col] != segment_map[row, col - 1]:
                starts[runs] = col
                runs += 1
        starts[runs] = width
        for c in range(classes):
            values = softmax[c, row]
            for run in range(runs):
                total = 0.0
                for col in range(starts[run], starts[run + 1]):
                    total += values[col]
                sums[c, segment_map[row, starts[run]]] += total
    return sums[:, 1:].copy()

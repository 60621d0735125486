"""What candidates carry for a query policy beside their scores: small rows of float16 (docs/method.md#class-shares)."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.boxes import unpack_mask
from raymeta.compilation import njit
from raymeta.schemas import LEFT, SEGMENT, TOP

if TYPE_CHECKING:
    import torch

CLASS_SHARES: Final = "class_shares"
"""(C,) float16: which part of a box's gain lies on pixels of each class, by the softmax."""
FEATURE: Final = "feature"
"""(C,) float16: the mean softmax of a box; at most 255 numbers."""


def with_columns(
    candidates: pa.Table,
    needs: Collection[str],
    softmax: "NDArray[np.float32] | torch.Tensor",
    gain: NDArray[np.float32],
    box_width: int,
) -> pa.Table:
    """The candidates of one image with the columns that a policy needs.

    Args:
        candidates: boxes of one image, with `top` and `left`; of segments their masks count.
        needs: of CLASS_SHARES and FEATURE.
        softmax: (C, H, W) float32.
        gain: (H, W) float32, what every pixel is worth.
        box_width: pixels.

    Returns:
        The table; every column that is added is a list of C float16.
    """
    tops, lefts = candidates[TOP].to_numpy(), candidates[LEFT].to_numpy()
    masks = None
    if SEGMENT in candidates.column_names:
        masks = [unpack_mask(packed, box_width) for packed in candidates[SEGMENT].to_pylist()]
    if CLASS_SHARES in needs:
        sums = class_sums(softmax, gain, tops, lefts, box_width, masks)
        total = sums.sum(axis=1, keepdims=True)
        shares = np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)
        candidates = candidates.append_column(CLASS_SHARES, _float16_lists(shares))
    if FEATURE in needs:
        sizes = [box_width**2] if masks is None else [np.count_nonzero(mask) for mask in masks]
        sums = class_sums(softmax, np.ones_like(gain), tops, lefts, box_width, masks)
        means = sums / np.array(sizes, np.float64).reshape(-1, 1)
        candidates = candidates.append_column(FEATURE, _float16_lists(means))
    return candidates


def column_matrix(table: pa.Table, name: str) -> NDArray[np.float16]:
    """A column of lists as (rows, C) float16."""
    chunks = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in table[name].chunks if len(chunk)]
    if not chunks:
        return np.zeros((0, 0), np.float16)
    values: NDArray[np.float16] = np.concatenate(chunks)
    return values.reshape(table.num_rows, -1)


def class_sums(
    softmax: "NDArray[np.float32] | torch.Tensor",
    gain: NDArray[np.float32],
    tops: NDArray[np.int32],
    lefts: NDArray[np.int32],
    box_width: int,
    masks: Sequence[NDArray[np.bool_]] | None = None,
) -> NDArray[np.float64]:
    """`Σ g·p_c` over the pixels of every box, or of its (b, b) bool mask: (boxes, C) float64."""
    sums = np.zeros((len(tops), len(softmax)))
    if masks is not None:
        _sum_masks(softmax, gain, tops, lefts, masks, sums)
    elif isinstance(softmax, np.ndarray):
        _sum_boxes(np.ascontiguousarray(softmax, dtype=np.float32), gain, tops, lefts, box_width, sums)
    else:
        _sum_boxes_of_tensor(softmax, gain, tops, lefts, box_width, sums)
    return sums


def _sum_masks(
    softmax: Any,
    gain: NDArray[np.float32],
    tops: NDArray[Any],
    lefts: NDArray[Any],
    masks: Sequence[NDArray[np.bool_]],
    sums: NDArray[Any],
) -> None:
    array = softmax if isinstance(softmax, np.ndarray) else softmax.cpu().numpy()
    width = len(masks[0]) if masks else 0
    weights = np.zeros((len(masks), width, width), np.float32)
    for row, (top, left, mask) in enumerate(zip(tops.tolist(), lefts.tolist(), masks, strict=True)):
        np.multiply(gain[top : top + width, left : left + width], mask, out=weights[row])
    _sum_weighted(np.ascontiguousarray(array, dtype=np.float32), weights, tops, lefts, sums)


def _sum_boxes_of_tensor(
    softmax: Any, gain: NDArray[np.float32], tops: NDArray[Any], lefts: NDArray[Any], b: int, sums: NDArray[Any]
) -> None:
    import torch

    weight = torch.from_numpy(gain).to(softmax.device)
    for row, (top, left) in enumerate(zip(tops.tolist(), lefts.tolist(), strict=True)):
        box = np.s_[top : top + b, left : left + b]
        found = (softmax[:, box[0], box[1]].double() * weight[box].double()).sum(dim=(1, 2))
        sums[row] = found.cpu().numpy()


def _float16_lists(values: NDArray[np.float64]) -> pa.Array:
    flat = pa.array(np.ascontiguousarray(values, dtype=np.float16).reshape(-1), pa.float16())
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


@njit(cache=True, nogil=True)
def _boxes_of_rows(tops, lefts, b, height):  # type: ignore[no-untyped-def]
    """Boxes that hold each row, from left to right: (height + 1,) first entry of a row, and the boxes."""
    first = np.zeros(height + 1, np.int64)
    for top in tops:
        first[top + 1 : top + b + 1] += 1
    first = np.cumsum(first)
    boxes, filled = np.empty(first[height], np.int64), first.copy()
    for box in np.argsort(lefts):
        for y in range(tops[box], tops[box] + b):
            boxes[filled[y]] = box
            filled[y] += 1
    return first, boxes


@njit(cache=True, nogil=True, boundscheck=False, fastmath={"reassoc", "nsz"})
def _sum_boxes(softmax, gain, tops, lefts, b, sums):  # type: ignore[no-untyped-def]
    """Class by class and row by row, as the planes lie in memory: sums of boxes grow side by side."""
    first, boxes = _boxes_of_rows(tops, lefts, b, softmax.shape[1])
    for c in range(softmax.shape[0]):
        for y in range(softmax.shape[1]):
            for place in range(first[y], first[y + 1]):
                box = boxes[place]
                left = lefts[box]
                weights, row = gain[y, left : left + b], softmax[c, y, left : left + b]
                part = np.float32(0)
                for x in range(b):
                    part += weights[x] * row[x]
                sums[box, c] += part


@njit(cache=True, nogil=True, boundscheck=False, fastmath={"reassoc", "nsz"})
def _sum_weighted(softmax, weights, tops, lefts, sums):  # type: ignore[no-untyped-def]
    """As `_sum_boxes`, with weights (boxes, b, b) of their own."""
    b = weights.shape[1]
    for c in range(softmax.shape[0]):
        plane = softmax[c]
        for box in range(tops.shape[0]):
            top, left = tops[box], lefts[box]
            total = 0.0
            for y in range(b):
                row, own = plane[top + y, left : left + b], weights[box, y]
                part = np.float32(0)
                for x in range(b):
                    part += own[x] * row[x]
                total += part
            sums[box, c] = total

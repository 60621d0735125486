"""Pixels weighed by the classes that they may have, so that rare classes count (docs/method.md#class-weights)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from raymeta.compilation import njit
from raymeta.errors import InputError

if TYPE_CHECKING:
    import torch

Weights = NDArray[np.float64]


def rarity_weights(class_pixels: NDArray[np.int64], power: float) -> Weights:
    """`(1 / (1 + C·f_c))^p`: 1 for a class that never occurs, less the more of the pixels it has.

    Args:
        class_pixels: (C,) int64, pixels of each class; all 0 counts all classes alike.
        power: p, above 0.

    Returns:
        (C,) float64 in (0, 1].
    """
    shares = class_pixels / max(1, int(class_pixels.sum()))
    weights: Weights = (1.0 + len(class_pixels) * shares) ** -power
    return weights


def given_weights(values: Mapping[int, float], num_classes: int) -> Weights:
    """Weights that somebody chose, 1 for all other classes, divided by the largest.

    Raises:
        InputError: a class that there isn't, or no weight above 0.
    """
    wrong = [key for key in values if not 0 <= key < num_classes]
    if wrong:
        raise InputError(f"class_weights.values names class {wrong[0]}: classes are 0 to {num_classes - 1}")
    weights = np.array([values.get(index, 1.0) for index in range(num_classes)])
    if weights.max() <= 0:
        raise InputError("class_weights.values are all 0, so that nothing would be asked for: give one above 0")
    scaled: Weights = weights / weights.max()
    return scaled


def class_weight_map(softmax: "NDArray[np.float32] | torch.Tensor", weights: Weights) -> NDArray[np.float32]:
    """`Σ_c p_c w_c` at every pixel.

    Args:
        softmax: (C, H, W) float32; a tensor is worked on where it lies.
        weights: (C,) float64 in [0, 1].

    Returns:
        (H, W) float32.

    Raises:
        InputError: another number of weights than classes.
    """
    if len(weights) != len(softmax):
        raise InputError(f"{len(weights)} class weights for {len(softmax)} classes: give one a class")
    if not isinstance(softmax, np.ndarray):
        return _weigh_tensor(softmax, weights)
    flat = np.ascontiguousarray(softmax, dtype=np.float32).reshape(len(softmax), -1)
    result = np.empty(flat.shape[1], np.float32)
    _weigh(flat, weights.astype(np.float32), result)
    return result.reshape(softmax.shape[1:])


def _weigh_tensor(softmax: Any, weights: Weights) -> NDArray[np.float32]:
    """Plane by plane in the order of the classes, as `_weigh`."""
    total = softmax[0].float() * float(np.float32(weights[0]))
    for plane, weight in zip(softmax[1:], weights[1:], strict=True):
        total += plane.float() * float(np.float32(weight))
    array: NDArray[np.float32] = total.cpu().numpy()
    return array


TILE = 4096
"""Pixels worked on at a time: their sums stay in cache while the classes pass by."""


@njit(cache=True, nogil=True, boundscheck=False)
def _weigh(softmax, weights, result):  # type: ignore[no-untyped-def]
    """Fill `result` (N,) with the weighted sums of (C, N) probabilities."""
    classes, pixels = softmax.shape
    for start in range(0, pixels, TILE):
        end = min(start + TILE, pixels)
        tile = result[start:end]
        tile[:] = np.float32(0)
        for c in range(classes):
            row, weight = softmax[c, start:end], weights[c]
            for x in range(row.shape[0]):
                tile[x] += row[x] * weight

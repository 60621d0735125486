"""Priority maps: (H, W) float32 in [0, 1], higher = query first, 0 where labelled (docs/method.md#priority-map)."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raymeta.acquisition.aggregated_maps import STEPS
from raymeta.compilation import njit

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]


def quantize(values: NDArray[np.floating[Any]], labelled_mask: Mask | None = None) -> Map:
    """Clip to [0, 1], round to multiples of 2⁻²⁴ and set labelled pixels to 0 (docs/method.md#rounding-of-maps).

    values: (H, W) float. labelled_mask: (H, W) bool, or None for an unlabelled image. Returns a new (H, W) float32.
    """
    steps = np.empty(values.shape, np.float32)
    _quantize(np.ascontiguousarray(values, dtype=np.float32).reshape(-1), steps.reshape(-1))
    return without_labelled(steps, labelled_mask)


def without_labelled(priority_map: Map, labelled_mask: Mask | None) -> Map:
    """The same map, (H, W) float32, with labelled pixels set to 0."""
    if labelled_mask is not None and labelled_mask.any():
        priority_map[labelled_mask] = 0
    return priority_map


@njit(cache=True, nogil=True, error_model="numpy")
def _quantize(values, steps):  # type: ignore[no-untyped-def]
    """Write (N,) float32 values to `steps`, clipped to [0, 1] and rounded; nan stays nan."""
    for index in range(values.shape[0]):
        value = values[index]
        value = np.float32(0) if value < np.float32(0) else value
        value = np.float32(1) if value > np.float32(1) else value
        steps[index] = np.rint(value * STEPS) / STEPS  # a power of two: nothing is lost


def weighted(priority_map: Map, weights: NDArray[np.float32]) -> Map:
    """`quantize` of a map times weights: both (H, W) float32."""
    steps = np.empty(priority_map.shape, np.float32)
    _quantize_products(priority_map.reshape(-1), weights.reshape(-1), steps.reshape(-1))
    return steps


@njit(cache=True, nogil=True, error_model="numpy")
def _quantize_products(values, weights, steps):  # type: ignore[no-untyped-def]
    """As `_quantize`, of (N,) float32 values times their weights."""
    for index in range(values.shape[0]):
        value = values[index] * weights[index]
        value = np.float32(0) if value < np.float32(0) else value
        value = np.float32(1) if value > np.float32(1) else value
        steps[index] = np.rint(value * STEPS) / STEPS


def entropy_priority(entropy: Map, labelled_mask: Mask | None = None) -> Map:
    """The normalised entropy of the softmax (docs/method.md#entropy).

    entropy: (H, W) float32. labelled_mask: (H, W) bool. Returns (H, W) float32.
    """
    return quantize(entropy, labelled_mask)


def margin_priority(margin: Map, labelled_mask: Mask | None = None) -> Map:
    """`1 - p_max + p_second`, high where the two best classes are nearly alike (docs/method.md#margin-priority).

    margin: (H, W) float32. labelled_mask: (H, W) bool. Returns (H, W) float32.
    """
    return quantize(margin, labelled_mask)


def metaseg_priority(predicted_iou: Map, labelled_mask: Mask | None = None) -> Map:
    """`g1 = 1 - q`, one minus the predicted IoU of each pixel's segment (docs/method.md#metaseg-priority).

    predicted_iou: (H, W) float32, or (S,) of segments. labelled_mask: (H, W) bool. Returns float32 of the same shape.
    """
    return quantize(np.float32(1) - predicted_iou, labelled_mask)


def clicks_priority(clicks: NDArray[np.uint8], labelled_mask: Mask | None = None) -> Map:
    """`g2 = 1 - κ`: 0 at polygon vertices and labelled pixels, else 1 (docs/method.md#click-priority).

    clicks: (H, W) uint8 κ. labelled_mask: (H, W) bool. Returns (H, W) float32.
    """
    return quantize(np.float32(1) - clicks, labelled_mask)


def random_priority(
    seed: int, iteration: int, image_id: str, height: int, width: int, labelled_mask: Mask | None = None
) -> Map:
    """Uniform noise that depends on seed, iteration and image id alone, never on the order of work.

    Definition: docs/method.md#random-priority.

    labelled_mask: (H, W) bool. Returns (H, W) float32.
    """
    words = np.frombuffer(hashlib.sha256(image_id.encode()).digest(), dtype="<u4").tolist()
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, iteration, *words])))
    return quantize(rng.random((height, width), dtype=np.float32), labelled_mask)

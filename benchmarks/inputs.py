"""Inputs of the benchmarks: softmax arrays that look like a network's, and targets for them."""

import cv2
import numpy as np
from numpy.typing import NDArray

from raymeta.schemas import IGNORE

FIELD_STRIDE = 8
"""Pixels between two values of the coarse logits: FCN8 upsamples its finest scores by as much."""

CONTRAST = 0.5
"""Deviation of the finest octave of the logits."""


def smooth_softmax(classes: int, height: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    """(C, H, W) float32 softmax of a random field: large regions, and many small ones along their borders.

    Logits of several octaves at stride 8 are upsampled bilinearly, as FCN8 does. At 19×1024×2048 the arg-max has about
    1,200 segments, 10 % of the pixels are boundary, and the mean highest probability is 0.73.
    """
    rng = np.random.default_rng(seed)
    rows, cols = -(-height // FIELD_STRIDE), -(-width // FIELD_STRIDE)
    softmax = np.empty((classes, height, width), dtype=np.float32)
    for index in range(classes):
        coarse = np.zeros((rows, cols), dtype=np.float32)
        for octave in (1, 2, 4, 8, 16):
            shape = (-(-rows // octave) + 1, -(-cols // octave) + 1)
            values = rng.standard_normal(shape, dtype=np.float32) * np.float32(CONTRAST * octave**0.9)
            coarse += cv2.resize(values, (cols, rows), interpolation=cv2.INTER_LINEAR)
        softmax[index] = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return _normalised(softmax)


def noise_softmax(classes: int, height: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    """(C, H, W) float32 softmax of white noise: the worst case, a segment for every other pixel."""
    rng = np.random.default_rng(seed)
    return _normalised(rng.standard_normal((classes, height, width), dtype=np.float32))


def target_of(softmax: NDArray[np.float32], seed: int = 0) -> NDArray[np.uint8]:
    """(H, W) uint8 target: the prediction with shifted borders, some wrong blocks and 5 % ignored pixels."""
    rng = np.random.default_rng(seed)
    target = np.roll(softmax.argmax(axis=0).astype(np.uint8), (3, -4), axis=(0, 1))
    height, width = target.shape
    for _ in range(max(1, height * width // 50_000)):
        top, left, size = int(rng.integers(height)), int(rng.integers(width)), int(rng.integers(8, 65))
        target[top : top + size, left : left + size] = rng.integers(len(softmax))
    target[: height // 20] = IGNORE
    return target


def _normalised(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """The softmax of logits over their first axis, in place."""
    logits -= logits.max(axis=0)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=0)
    return logits

"""Pixels weighed by the classes that they may have, so that rare classes count (docs/method.md#class-weights)."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from raymeta.errors import InputError

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

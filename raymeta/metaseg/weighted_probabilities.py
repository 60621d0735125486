"""`Σ_c p_c w_c` at every pixel: what the class weights of a query are to a softmax (docs/method.md#class-weights)."""

import numpy as np
from numpy.typing import NDArray

from raymeta.compilation import njit
from raymeta.errors import InputError


def weights_of_classes(weights: NDArray[np.float64], num_classes: int) -> NDArray[np.float32]:
    """Weights (C,) as float32.

    Raises:
        InputError: another number of weights than classes.
    """
    if len(weights) != num_classes:
        raise InputError(f"{len(weights)} class weights for {num_classes} classes: give one a class")
    return np.asarray(weights, dtype=np.float32)


@njit(cache=True, nogil=True, boundscheck=False, fastmath={"arcp"})
def weigh_tile(softmax, weights, start, end, sums):  # type: ignore[no-untyped-def]
    """Write the weighted sums of pixels start:end of (C, N) probabilities to `sums` (end - start,), class by class.

    Products are rounded before they are added, as everywhere else. numba would hand the scan's `contract`, which fuses
    both, down to a function without an option of its own: `arcp`, about divisions, does nothing here but keep it out.
    """
    classes = softmax.shape[0]
    in_fours = classes // 4 * 4
    sums[:] = np.float32(0)
    for c in range(0, in_fours, 4):
        row_0, row_1 = softmax[c, start:end], softmax[c + 1, start:end]
        row_2, row_3 = softmax[c + 2, start:end], softmax[c + 3, start:end]
        w_0, w_1, w_2, w_3 = weights[c], weights[c + 1], weights[c + 2], weights[c + 3]
        for x in range(sums.shape[0]):
            sums[x] = (((sums[x] + row_0[x] * w_0) + row_1[x] * w_1) + row_2[x] * w_2) + row_3[x] * w_3
    for c in range(in_fours, classes):
        row, weight = softmax[c, start:end], weights[c]
        for x in range(sums.shape[0]):
            sums[x] += row[x] * weight

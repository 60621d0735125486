"""Superpixels: parts of an image that hold about one colour each, by SLIC (docs/method.md#superpixels)."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

MIN_SIDE: Final = 16
"""Pixels along a superpixel that its border is found at: wider ones are looked for in a reduced image."""
ITERATIONS: Final = 5
"""Of SLIC's k-means: its centres hardly move after them."""


def coarse_superpixels(image: NDArray[np.uint8], width: int, compactness: float) -> NDArray[np.int32]:
    """The superpixels of an image, at the size at which they are found.

    Args:
        image: (H, W, 3) uint8 RGB.
        width: side of a square as large as the mean superpixel, pixels.
        compactness: weight of nearness beside colour (CIELAB), as SLIC has it.

    Returns:
        (⌈H/f⌉, ⌈W/f⌉) int32 with f = max(1, ⌊width/16⌋): numbers from 1, each of a connected region.

    Raises:
        ModuleNotFoundError: scikit-image isn't installed, as where raymeta runs from a checkout.
    """
    from skimage.segmentation import slic

    height, columns = image.shape[:2]
    factor = max(1, width // MIN_SIDE)
    size = -(-columns // factor), -(-height // factor)
    small = image if factor == 1 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    count = max(1, round(height * columns / width**2))
    found: NDArray[np.int32] = slic(
        small, n_segments=count, compactness=compactness, max_num_iter=ITERATIONS, start_label=1, channel_axis=-1
    )
    return found.astype(np.int32, copy=False)


def at_size(coarse: NDArray[np.int32], height: int, width: int) -> NDArray[np.int32]:
    """(H, W) int32: superpixels at the size of their image; every pixel has the number that lies under it.

    coarse: (h, w) int32. height, width: H and W, pixels.
    """
    rows, columns = (np.arange(size) * cells // size for size, cells in zip((height, width), coarse.shape, strict=True))
    return coarse[np.ix_(rows, columns)]

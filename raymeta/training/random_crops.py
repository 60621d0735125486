"""Crops of randomly scaled images: which part of which size, and cutting it out."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from raymeta.config import TrainingConfig
from raymeta.schemas import IGNORE

Example = tuple[NDArray[np.uint8], NDArray[np.uint8]]

PADDING_COLOUR = (124, 116, 104)
"""ImageNet's mean RGB, which normalises to nearly 0."""


@dataclass(frozen=True)
class Crop:
    """A crop of `height` × `width` pixels of an image scaled by `scale`.

    top, left: in [0, 1), where the crop lies between the first and the last place that it can have, so that a crop
    can be drawn before its image is read.
    """

    height: int
    width: int
    scale: float
    top: float
    left: float


def draw_crops(config: TrainingConfig, count: int, rng: np.random.Generator) -> list[Crop] | None:
    """`count` random crops as `config` wants them; None where it wants none."""
    if config.crop_height is None or config.crop_width is None:
        return None
    scales = _draw_scales(config, count, rng)
    places = rng.random((count, 2))
    return [
        Crop(config.crop_height, config.crop_width, float(scale), float(top), float(left))
        for scale, (top, left) in zip(scales, places, strict=True)
    ]


def _draw_scales(config: TrainingConfig, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(count,) factors: scale_min, scale_min + scale_step, … up to scale_max, or uniform where the step is 0."""
    low, high, step = config.scale_min, config.scale_max, config.scale_step
    if not step or low == high:
        return rng.uniform(low, high, count)
    choices = low + step * np.arange(int((high - low) / step + 1e-6) + 1)
    return rng.choice(choices, count)


def cut_crop(image: NDArray[np.uint8], labels: NDArray[np.uint8], crop: Crop) -> Example:
    """image: (h, w, 3) uint8 RGB, labels: (h, w) uint8 → the same of the crop's size.

    Pixels are interpolated bilinearly, labels are taken from the nearest pixel. Where the scaled image is smaller
    than the crop, it lies at the top left; the rest has the mean colour and is ignored.
    """
    top, rows = _span(labels.shape[0], crop.height, crop.scale, crop.top)
    left, columns = _span(labels.shape[1], crop.width, crop.scale, crop.left)
    if crop.scale == 1:
        inner = image[top : top + len(rows), left : left + len(columns)]
    else:
        inner = _scaled_part(image, crop.scale, (top, left), (len(rows), len(columns)))
    cut_image = np.full((crop.height, crop.width, 3), PADDING_COLOUR, np.uint8)
    cut_image[: len(rows), : len(columns)] = inner
    return cut_image, cut_labels(labels, crop)


def cut_labels(labels: NDArray[np.uint8], crop: Crop) -> NDArray[np.uint8]:
    """labels: (h, w) uint8 → the same of the crop's size, 255 beyond the image; the part of `cut_crop`."""
    _, rows = _span(labels.shape[0], crop.height, crop.scale, crop.top)
    _, columns = _span(labels.shape[1], crop.width, crop.scale, crop.left)
    cut = np.full((crop.height, crop.width), IGNORE, np.uint8)
    cut[: len(rows), : len(columns)] = labels[rows[:, None], columns]
    return cut


def _span(size: int, wanted: int, scale: float, place: float) -> tuple[int, NDArray[np.int64]]:
    """First pixel of the crop on the scaled side, and the nearest pixel of the original for each one it covers."""
    scaled_size = max(1, round(size * scale))
    start = int(place * (max(0, scaled_size - wanted) + 1))
    covered = np.arange(start, min(start + wanted, scaled_size))
    return start, np.minimum(((covered + 0.5) / scale).astype(np.int64), size - 1)


def _scaled_part(
    image: NDArray[np.uint8], scale: float, start: tuple[int, int], size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Part of the scaled image, without scaling the rest; pixel centres correspond, edges are continued."""
    (top, left), (height, width) = start, size
    to_source = np.array([[1 / scale, 0, (left + 0.5) / scale - 0.5], [0, 1 / scale, (top + 0.5) / scale - 0.5]])
    part = cv2.warpAffine(
        image,
        to_source,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(part, dtype=np.uint8)

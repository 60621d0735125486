"""Estimated clicks: the vertices of the polygons that an annotator would draw around a segmentation."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from raymeta.argument_checks import check_array
from raymeta.compilation import njit
from raymeta.config import MAX_EPSILON
from raymeta.errors import InputError
from raymeta.schemas import IGNORE


def default_epsilon(height: int) -> float:
    """Ramer-Douglas-Peucker tolerance in pixels for images of this height (docs/method.md#estimated-clicks)."""
    return max(1.0, 2.5 * height / 1024)


def estimate_clicks(label_map: NDArray[np.uint8], epsilon: float) -> NDArray[np.uint8]:
    """κ: 1 at pixels that hold a polygon vertex of the segmentation, else 0 (arXiv:2010.01884, Sec. 3.2).

    Vertices are those that Ramer-Douglas-Peucker keeps of the outer and inner contours of every class region
    (docs/method.md#estimated-clicks).

    label_map: (H, W) uint8 class ids; 255 is no class and gives no contour. epsilon: tolerance in pixels.
    Returns (H, W) uint8.

    Raises:
        ValueError: another shape or dtype, or a tolerance that is no positive number, or larger than any image.
    """
    check_label_map(label_map)
    check_epsilon(epsilon)
    labels = np.ascontiguousarray(label_map)
    clicks = np.zeros(labels.shape, dtype=np.uint8)
    bounds = _class_bounds(labels)
    for class_id in np.flatnonzero(bounds[:IGNORE, 1]):
        top, bottom, left, right = bounds[class_id]
        contours = class_contours(labels[top:bottom, left:right], int(class_id))
        # A view of the crop: contour coordinates are the crop's.
        region_clicks = clicks[top:bottom, left:right]
        vertices = np.concatenate([cv2.approxPolyDP(contour, epsilon, True) for contour in contours])
        region_clicks[vertices[:, 0, 1], vertices[:, 0, 0]] = 1
    return clicks


def check_epsilon(epsilon: float) -> None:
    """Raise ValueError unless this is a tolerance that contours can be simplified by."""
    if isinstance(epsilon, bool) or not isinstance(epsilon, (int, float, np.integer, np.floating)):
        raise InputError(f"epsilon {epsilon!r} isn't a number of pixels: choose for instance 1.0")
    if not 0 < epsilon < np.inf:
        raise InputError(f"epsilon {epsilon} isn't a positive number of pixels: choose for instance 1.0")
    if epsilon > MAX_EPSILON:
        raise InputError(f"epsilon {epsilon} is larger than any image: choose at most {MAX_EPSILON:.0f}")


def class_contours(label_map: NDArray[np.uint8], class_id: int) -> Sequence[NDArray[np.int32]]:
    """Outer and inner contours of one class: arrays of (N, 1, 2) int32, x before y; none where it is absent.

    label_map: (H, W) uint8 class ids.
    """
    region = (label_map == class_id).view(np.uint8)
    contours, _ = cv2.findContours(region, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return contours


def check_label_map(label_map: NDArray[np.uint8]) -> None:
    """Raise ValueError unless this is a non-empty (H, W) uint8 map."""
    check_array("label_map", label_map)
    if label_map.ndim != 2 or label_map.dtype != np.uint8 or label_map.size == 0:
        raise InputError(
            f"label_map has shape {label_map.shape} and dtype {label_map.dtype}: give a non-empty (H, W) uint8 map"
        )


@njit(cache=True, nogil=True)
def _class_bounds(labels):  # type: ignore[no-untyped-def]
    """(256, 4) int64: top, bottom, left, right (half-open) of the pixels of each label; all 0 for absent ones."""
    height, width = labels.shape
    bounds = np.zeros((256, 4), np.int64)
    for row in range(height):
        start = 0
        for col in range(1, width + 1):
            if col < width and labels[row, col] == labels[row, start]:
                continue
            # Pixels start:col of this row are one run of equal labels.
            box = bounds[labels[row, start]]
            if box[1] == 0:
                box[0] = row
                box[2] = start
            box[1] = row + 1
            box[2] = min(box[2], start)
            box[3] = max(box[3], col)
            start = col
    return bounds

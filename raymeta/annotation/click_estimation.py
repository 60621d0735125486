"""Estimated clicks: the vertices of the polygons that an annotator would draw around a segmentation."""

import cv2
import numpy as np
from numpy.typing import NDArray

from raymeta.schemas import IGNORE


def default_epsilon(height: int) -> float:
    """Ramer-Douglas-Peucker tolerance in pixels for images of this height (DESIGN 2.2)."""
    return max(1.0, 2.5 * height / 1024)


def estimate_clicks(label_map: NDArray[np.uint8], epsilon: float) -> NDArray[np.uint8]:
    """κ: 1 at pixels that hold a polygon vertex of the segmentation, else 0 (arXiv:2010.01884, Sec. 3.2).

    Vertices are those that Ramer-Douglas-Peucker keeps of the outer and inner contours of every class region.

    label_map: (H, W) uint8 class ids; 255 is no class and gives no contour. epsilon: tolerance in pixels.
    Returns (H, W) uint8.

    Raises:
        ValueError: another shape or dtype, or a tolerance that is no positive number.
    """
    if label_map.ndim != 2 or label_map.dtype != np.uint8 or label_map.size == 0:
        raise ValueError(
            f"label_map has shape {label_map.shape} and dtype {label_map.dtype}: give a non-empty (H, W) uint8 map"
        )
    if not 0 < epsilon < np.inf:
        raise ValueError(f"epsilon {epsilon} is no positive number of pixels: choose for instance 1.0")
    clicks = np.zeros(label_map.shape, dtype=np.uint8)
    for class_id in np.flatnonzero(np.bincount(label_map.ravel(), minlength=256)[:IGNORE]):
        for contour in class_contours(label_map, int(class_id)):
            vertices = cv2.approxPolyDP(contour, epsilon, True).reshape(-1, 2)
            clicks[vertices[:, 1], vertices[:, 0]] = 1
    return clicks


def class_contours(label_map: NDArray[np.uint8], class_id: int) -> tuple[NDArray[np.int32], ...]:
    """Outer and inner contours of one class: arrays of (N, 1, 2) int32, x before y."""
    region = cv2.inRange(label_map, class_id, class_id)  # type: ignore[call-overload]
    contours, _ = cv2.findContours(region, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return tuple(contours)  # type: ignore[arg-type]

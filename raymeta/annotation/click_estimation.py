"""Estimated clicks: the vertices of the polygons that an annotator would draw around a segmentation."""

import numpy as np
from numpy.typing import NDArray

from raymeta.annotation.class_borders import class_borders
from raymeta.annotation.polygon_vertices import mark_vertices
from raymeta.argument_checks import check_array
from raymeta.config import MAX_EPSILON
from raymeta.errors import InputError


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
    clicks = np.zeros(label_map.shape, dtype=np.uint8)
    mark_vertices(*class_borders(label_map), epsilon, clicks)
    return clicks


def check_epsilon(epsilon: float) -> None:
    """Raise ValueError unless this is a tolerance that contours can be simplified by."""
    if isinstance(epsilon, bool) or not isinstance(epsilon, (int, float, np.integer, np.floating)):
        raise InputError(f"epsilon {epsilon!r} isn't a number of pixels: choose for instance 1.0")
    if not 0 < epsilon < np.inf:
        raise InputError(f"epsilon {epsilon} isn't a positive number of pixels: choose for instance 1.0")
    if epsilon > MAX_EPSILON:
        raise InputError(f"epsilon {epsilon} is larger than any image: choose at most {MAX_EPSILON:.0f}")


def check_label_map(label_map: NDArray[np.uint8]) -> None:
    """Raise ValueError unless this is a non-empty (H, W) uint8 map."""
    check_array("label_map", label_map)
    if label_map.ndim != 2 or label_map.dtype != np.uint8 or label_map.size == 0:
        raise InputError(
            f"label_map has shape {label_map.shape} and dtype {label_map.dtype}: give a non-empty (H, W) uint8 map"
        )

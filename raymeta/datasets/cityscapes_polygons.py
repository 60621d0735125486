"""Reads the polygon files of Cityscapes, `*_gtFine_polygons.json` (docs/method.md#polygons)."""

import json
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.cityscapes_labels import FRAME_LABELS, label_of
from raymeta.datasets.data_paths import DataPath, read_whole
from raymeta.datasets.sample import DatasetError, MissingFileError, Polygon

MAX_BYTES: Final = 32 << 20
"""A hundred times the polygons of a street scene; decoded they take several times as much memory."""


def read_cityscapes_polygons(path: DataPath) -> tuple[list[Polygon], tuple[int, int]]:
    """Polygons in painting order, and (height, width) of their image in pixels.

    Deleted objects and frame labels are left out; labels that aren't evaluated have class 255 and cover.

    Raises:
        DatasetError: missing or unreadable file, or faulty objects: one line for each of them.
    """
    content = _load(path)
    faults: list[str] = []
    size = _image_size(content, faults)
    objects = content.get("objects")
    if not isinstance(objects, list):
        faults.append("'objects' isn't a list")
        objects = []
    polygons: list[Polygon] = []
    for index, entry in enumerate(objects):
        try:
            polygon = _parse_object(entry)
        except ValueError as error:
            faults.append(f"object {index}: {error}")
            continue
        if polygon is not None:
            polygons.append(polygon)
    if faults:
        raise DatasetError("\n".join(f"{path}: polygons don't parse: {fault}" for fault in faults))
    return polygons, size


def _load(path: DataPath) -> dict[str, Any]:
    try:
        content = json.loads(read_whole(path, MAX_BYTES).decode())
    except FileNotFoundError:
        raise MissingFileError(path) from None
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"{path}: polygons don't parse: {error}") from error
    if not isinstance(content, dict):
        raise DatasetError(f"{path}: polygons don't parse: holds a {type(content).__name__}, not an object")
    return content


def _image_size(content: dict[str, Any], faults: list[str]) -> tuple[int, int]:
    sides = []
    for key in ("imgHeight", "imgWidth"):
        side = content.get(key)
        if isinstance(side, bool) or not isinstance(side, int) or side < 1:
            faults.append(f"{key} {side!r} isn't a positive number of pixels")
            side = 1
        sides.append(side)
    return sides[0], sides[1]


def _parse_object(entry: Any) -> Polygon | None:
    """The polygon of one object; None for one that doesn't count. Raises ValueError on a fault."""
    if not isinstance(entry, dict):
        raise ValueError(f"is a {type(entry).__name__}, not an object")
    name = entry.get("label")
    if not isinstance(name, str):
        raise ValueError(f"label {name!r} isn't a name")
    if entry.get("deleted") or name in FRAME_LABELS:
        return None
    label = label_of(name)
    if label is None:
        raise ValueError(f"label {name!r} is unknown")
    return Polygon(label.train_id, _parse_points(entry.get("polygon")))


def _parse_points(value: Any) -> NDArray[np.float64]:
    if not isinstance(value, list) or not all(isinstance(point, list) for point in value):
        raise ValueError("polygon isn't a list of [x, y]")
    for coordinate in (coordinate for point in value for coordinate in point):
        if type(coordinate) not in (int, float):  # numpy would take text and true for numbers
            raise ValueError(f"polygon has the coordinate {str(coordinate)[:40]!r}, which isn't a number")
    try:
        points = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("polygon isn't a list of [x, y]") from None
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError("polygon isn't a list of [x, y]")
    if len(points) < 3:
        raise ValueError(f"polygon has {len(points)} points, at least 3 make an area")
    if not np.isfinite(points).all():
        raise ValueError("polygon has a coordinate that isn't a finite number")
    return points

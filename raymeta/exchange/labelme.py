"""labelme's JSON, one file a picture, and X-AnyLabeling's, which adds `checked`, `score`, `locked` and `difficult`.

Points are read by the corner rule: they stand where they were seen on the shown picture. labelme's own export to PNG
paints outlines too, so its areas differ by the outlines.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raymeta.exchange.drawn_pictures import (
    BOX_LABEL,
    UNDECIDABLE,
    DrawnPicture,
    DrawnPoint,
    DrawnShape,
    bounds,
    check_size,
    ellipse_ring,
    rectangle_ring,
)
from raymeta.exchange.errors import ExchangeError, ShapeFault, shown
from raymeta.exchange.json_values import entries, mapping, member, number, point_list, short_text, text, whole
from raymeta.exchange.manifest import TaskClass
from raymeta.exchange.outlines import mask_rings
from raymeta.exchange.pixel_patches import decode_patch, encode_png, from_base64
from raymeta.exchange.planar_shapes import shape_mask, with_slits, without_holes

PRELABEL: Final = "raymeta:"
"""What the description of a pre-annotation starts with; its id follows."""
_NO_AREA: Final = frozenset({"line", "linestrip", "points"})


def recognises(content: Any) -> bool:
    """Whether parsed JSON is a file of labelme or X-AnyLabeling."""
    return isinstance(content, dict) and isinstance(content.get("shapes"), list) and "imagePath" in content


def is_x_anylabeling(content: dict[str, Any]) -> bool:
    """Whether it was X-AnyLabeling that wrote a file of this kind."""
    shapes = content.get("shapes")
    return "checked" in content or (
        isinstance(shapes, list) and any(isinstance(each, dict) and "difficult" in each for each in shapes[:100])
    )


def read(content: Any, name: str) -> Iterator[DrawnPicture]:
    """The picture of one file.

    Raises:
        ExchangeError: no size, or absurd contents.
    """
    try:
        path = text(content, "imagePath", "").replace("\\", "/")
        height, width = whole(content, "imageHeight", 1), whole(content, "imageWidth", 1)
        shapes = entries(content, "shapes")
        flags = mapping(content, "flags", {})
        own = mapping(content, "raymeta", {})
    except ShapeFault as fault:
        raise ExchangeError(f"{name}: {fault}") from None
    check_size(name, height, width)
    tool = "x-anylabeling" if is_x_anylabeling(content) else "labelme"
    picture = DrawnPicture(path or name, height, width, task_id=short_text(own.get("task")), tool=tool)
    picture.version = short_text(content.get("version"))
    picture.who = short_text(own.get("who"))
    if flags.get(UNDECIDABLE) is True:
        picture.verdict = "undecidable"
    for index, shape in enumerate(shapes, start=1):
        with picture.shape(f"shape {index}"):
            _read_shape(shape, picture, f"shape {index}")
    return iter([picture])


def _read_shape(shape: Any, picture: DrawnPicture, name: str) -> None:
    label = text(shape, "label")
    kind = text(shape, "shape_type", "polygon")
    if kind in _NO_AREA:
        picture.notes.append(f"{name} ({shown(label)}) is a {kind}, which has no area: not read")
        return
    if kind == "point":
        [place] = _points_of(entries(shape, "points"), 1)
        picture.add_point(DrawnPoint(label, *place, name))
        return
    rings, geometry = _rings(kind, shape, picture)
    if label == BOX_LABEL:
        picture.box = bounds(rings)
        return
    description = member(shape, "description", "")
    prelabel = description.removeprefix(PRELABEL) if isinstance(description, str) else ""
    shape_id = prelabel if isinstance(description, str) and description.startswith(PRELABEL) else None
    picture.add(DrawnShape(label, rings, geometry, shape_id=shape_id, name=name))  # type: ignore[arg-type]


def _rings(kind: str, shape: Any, picture: DrawnPicture) -> tuple[tuple[NDArray[np.float64], ...], str]:
    points = entries(shape, "points")
    if kind == "mask":
        (left, top), (right, bottom) = _two_points(points)
        mask = decode_patch(from_base64(text(shape, "mask")), picture)
        height, width = bottom - top + 1, right - left + 1
        if mask.shape != (height, width):
            raise ShapeFault(f"has a mask of {mask.shape[1]}×{mask.shape[0]} px for {width:g}×{height:g} px")
        rings = [ring + np.array([left, top]) for ring in mask_rings(mask)]
        return tuple(rings), "mask"
    if kind == "rectangle" and len(points) == 2:
        (left, top), (right, bottom) = _two_points(points)
        return (rectangle_ring(left, top, right, bottom),), "rectangle"
    if kind == "circle":
        (x, y), (edge_x, edge_y) = _two_points(points)
        radius = float(np.hypot(edge_x - x, edge_y - y))
        return (ellipse_ring(x, y, radius, radius),), "ellipse"
    if kind in ("rectangle", "rotation", "oriented_rectangle"):
        if len(points) != 4:
            raise ShapeFault(f"is a {kind} of {len(points)} points")
        return (point_list(points),), "rectangle"
    if kind != "polygon":
        raise ShapeFault(f"is of the unknown kind {shown(kind)}")
    return (point_list(points),), "polygon"


def _two_points(points: list[Any]) -> list[tuple[float, float]]:
    return _points_of(points, 2)


def _points_of(points: list[Any], count: int) -> list[tuple[float, float]]:
    if len(points) != count or not all(isinstance(point, list) and len(point) == 2 for point in points):
        raise ShapeFault(f"has the points {shown(points)}: it needs {'two' if count == 2 else count}")
    return [(number(x), number(y)) for x, y in points]


def write(
    pictures: Iterable[DrawnPicture], classes: Sequence[TaskClass], *, answered: bool = True
) -> Iterator[tuple[str, bytes]]:
    """A JSON file beside each picture, and `labels.txt`.

    Args:
        pictures: their shapes in painting order.
        classes: the label list.
        answered: whether people drew this: shapes of a network carry their id in `description`.
    """
    yield from _write(pictures, classes, answered, x=False)


def write_x_anylabeling(
    pictures: Iterable[DrawnPicture], classes: Sequence[TaskClass], *, answered: bool = True
) -> Iterator[tuple[str, bytes]]:
    """As `write`, for X-AnyLabeling: no masks, which it refuses; holes become slits; the box is locked.

    Args:
        pictures: their shapes in painting order.
        classes: the label list.
        answered: whether people drew this, which `checked` says too.
    """
    yield from _write(pictures, classes, answered, x=True)


def _write(
    pictures: Iterable[DrawnPicture], classes: Sequence[TaskClass], answered: bool, x: bool
) -> Iterator[tuple[str, bytes]]:
    yield "labels.txt", "".join(f"{name}\n" for name in [*(each.name for each in classes), "void"]).encode()
    for picture in pictures:
        height, width = picture.height or 0, picture.width or 0
        shapes = without_holes(picture.shapes, height, width)
        written = [part for shape in shapes for part in _written(shape, height, width, answered, x)]
        if x and picture.box is not None:
            ring = rectangle_ring(*picture.box).tolist()
            written.insert(0, _shape(BOX_LABEL, ring, "rectangle", "", x) | {"locked": True})
        content: dict[str, Any] = {"version": "4.0.2" if x else "6.3.1"}
        content["flags"] = {UNDECIDABLE: picture.verdict == "undecidable"}
        content |= {"checked": answered} if x else {}
        content |= {"shapes": written, "imagePath": PurePosixPath(picture.name).name, "imageData": None}
        content |= {"imageHeight": height, "imageWidth": width, "raymeta": {"task": picture.task_id}}
        stem = picture.name.rsplit(".", 1)[0]
        yield f"{stem}.json", json.dumps(content, indent=1, ensure_ascii=False).encode()


def _written(shape: DrawnShape, height: int, width: int, answered: bool, x: bool) -> list[dict[str, Any]]:
    description = f"{PRELABEL}{shape.shape_id}" if shape.shape_id and not answered else ""
    if x:
        rings = shape.rings[:1] if shape.geometry != "mask" else with_slits(shape).rings
        score = None if answered or shape.score is None else round(shape.score, 4)
        return [_shape(shape.label, ring.tolist(), "polygon", description, x) | {"score": score} for ring in rings]
    if shape.geometry != "mask":
        return [_shape(shape.label, shape.rings[0].tolist(), "polygon", description, x)]
    mask, top, left = shape_mask(shape, height, width)
    ends = [[left, top], [left + mask.shape[1] - 1, top + mask.shape[0] - 1]]
    patch = b64encode(encode_png(mask)).decode()
    return [_shape(shape.label, ends, "mask", description, x) | {"mask": patch}]


def _shape(label: str, points: list[Any], kind: str, description: str, x: bool) -> dict[str, Any]:
    shape: dict[str, Any] = {"label": label, "points": points, "group_id": None, "description": description}
    shape |= {"shape_type": kind, "flags": {}}
    if x:
        return shape | {"score": None, "difficult": False, "attributes": {}, "kie_linking": [], "locked": False}
    return shape | {"mask": None}

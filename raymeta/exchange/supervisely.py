"""Supervisely's JSON, one file a picture: polygons with true holes, and bitmaps at an origin. Corner coordinates."""

import json
import zlib
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
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
    rectangle_ring,
)
from raymeta.exchange.errors import ExchangeError, ShapeFault, shown
from raymeta.exchange.json_values import entries, mapping, number, point_list, short_text, text, whole
from raymeta.exchange.manifest import TaskClass
from raymeta.exchange.outlines import mask_rings
from raymeta.exchange.pixel_patches import decode_patch, encode_png, from_base64, unzipped
from raymeta.exchange.planar_shapes import shape_mask

_NO_AREA: Final = frozenset({"line", "graph", "cuboid", "any"})


def recognises(content: Any) -> bool:
    """Whether parsed JSON is an annotation of Supervisely."""
    return isinstance(content, dict) and isinstance(content.get("size"), dict) and "objects" in content


def read(content: Any, name: str) -> Iterator[DrawnPicture]:
    """The picture of one file, which is named like the picture, as `t000123.png.json`.

    Raises:
        ExchangeError: no size, or absurd contents.
    """
    try:
        size = mapping(content, "size")
        height, width = whole(size, "height", 1), whole(size, "width", 1)
        objects, tags = entries(content, "objects"), entries(content, "tags", [])
        own = mapping(content, "raymeta", {})
    except ShapeFault as fault:
        raise ExchangeError(f"{name}: {fault}") from None
    check_size(name, height, width)
    shown_name = name[:-5] if name.lower().endswith(".json") else name
    picture = DrawnPicture(shown_name, height, width, task_id=short_text(own.get("task")))
    picture.tool = "supervisely"
    if any(isinstance(tag, dict) and tag.get("name") == UNDECIDABLE for tag in tags):
        picture.verdict = "undecidable"
    for index, entry in enumerate(objects, start=1):
        with picture.shape(f"object {index}"):
            _read_object(entry, picture, f"object {index}")
    return iter([picture])


def _read_object(entry: Any, picture: DrawnPicture, name: str) -> None:
    label, kind = text(entry, "classTitle"), text(entry, "geometryType")
    if kind in _NO_AREA:
        picture.notes.append(f"{name} ({shown(label)}) is a {kind}, which has no area: not read")
        return
    if kind == "point":
        ends = entries(mapping(entry, "points"), "exterior")
        if len(ends) != 1 or not isinstance(ends[0], list) or len(ends[0]) != 2:
            raise ShapeFault(f"is a point of {shown(ends)}: [x, y] belong there")
        picture.add_point(DrawnPoint(label, number(ends[0][0]), number(ends[0][1]), name))
        return
    if kind == "bitmap":
        rings, geometry = tuple(_bitmap(mapping(entry, "bitmap"), picture)), "mask"
    elif kind == "rectangle":
        ends = entries(mapping(entry, "points"), "exterior")
        if len(ends) != 2 or not all(isinstance(point, list) and len(point) == 2 for point in ends):
            raise ShapeFault(f"is a rectangle of {shown(ends)}: it needs two points")
        (left, top), (right, bottom) = [(number(x), number(y)) for x, y in ends]
        rings, geometry = (rectangle_ring(left, top, right, bottom),), "rectangle"
    elif kind == "polygon":
        points = mapping(entry, "points")
        holes = [point_list(ring) for ring in entries(points, "interior", [])]
        rings, geometry = (point_list(entries(points, "exterior")), *holes), "polygon"
    else:
        raise ShapeFault(f"is of the kind {shown(kind)}, which isn't read")
    if label == BOX_LABEL:
        picture.box = bounds(rings) if rings else None
        return
    picture.who = short_text(entry.get("labelerLogin")) or picture.who
    picture.started = picture.started or short_text(entry.get("createdAt"))
    picture.finished = short_text(entry.get("updatedAt")) or picture.finished
    picture.add(DrawnShape(label, rings, geometry, name=name))  # type: ignore[arg-type]


def _bitmap(bitmap: dict[str, Any], picture: DrawnPicture) -> list[NDArray[np.float64]]:
    origin = entries(bitmap, "origin")
    if len(origin) != 2:
        raise ShapeFault(f"has the origin {shown(origin)}: [x, y] belong there")
    x, y = number(origin[0]), number(origin[1])
    mask = decode_patch(unzipped(from_base64(text(bitmap, "data"))), picture)
    return [ring + np.array([x, y]) for ring in mask_rings(mask)]


def write(
    pictures: Iterable[DrawnPicture], classes: Sequence[TaskClass], *, answered: bool = True
) -> Iterator[tuple[str, bytes]]:
    """`ann/<picture>.json` and `meta.json`.

    Args:
        pictures: their shapes in painting order.
        classes: the class list of `meta.json`.
        answered: has no meaning here.
    """
    listed = [(each.name, each.color) for each in classes] + [("void", "#000000"), (BOX_LABEL, "#ffff00")]
    meta = [{"title": name, "shape": "any", "color": color} for name, color in dict(listed).items()]
    tags = [{"name": UNDECIDABLE, "value_type": "none", "color": "#808080"}]
    yield "meta.json", json.dumps({"classes": meta, "tags": tags}, ensure_ascii=False).encode()
    for picture in pictures:
        height, width = picture.height or 0, picture.width or 0
        objects = [_written(shape, height, width, picture.who) for shape in picture.shapes]
        content: dict[str, Any] = {"description": "", "size": {"height": height, "width": width}}
        content["tags"] = [{"name": UNDECIDABLE}] if picture.verdict == "undecidable" else []
        content |= {"objects": objects, "raymeta": {"task": picture.task_id}}
        yield f"ann/{picture.name}.json", json.dumps(content, ensure_ascii=False).encode()


def _written(shape: DrawnShape, height: int, width: int, who: str | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"classTitle": shape.label, "tags": []} | ({"labelerLogin": who} if who else {})
    if shape.geometry != "mask" and shape.fill == "even-odd":
        exterior, *interior = (ring.tolist() for ring in shape.rings)
        return entry | {"geometryType": "polygon", "points": {"exterior": exterior, "interior": interior}}
    mask, top, left = shape_mask(shape, height, width)
    data = b64encode(zlib.compress(encode_png(mask))).decode()
    return entry | {"geometryType": "bitmap", "bitmap": {"data": data, "origin": [left, top]}}

"""V7's Darwin 2.0, one file a picture: polygons of several paths by the even-odd rule, masks in one raster layer.

Corner coordinates; later annotations lie above earlier ones.
"""

import json
import uuid
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
    ellipse_ring,
    rectangle_ring,
    rotated,
)
from raymeta.exchange.errors import ExchangeError, ShapeFault, shown
from raymeta.exchange.json_values import entries, flat_ring, mapping, member, number, short_text, text, whole
from raymeta.exchange.manifest import TaskClass
from raymeta.exchange.outlines import mask_rings
from raymeta.exchange.planar_shapes import shape_mask
from raymeta.exchange.run_lengths import decode_dense, encode_dense

_NO_AREA: Final = ("line", "skeleton", "cuboid", "string", "graph", "link", "eye", "table", "text")
_NAMESPACE: Final = uuid.UUID("5d4f2a36-5a0c-4d0a-9f39-6a5f4c1b7a20")


def recognises(content: Any) -> bool:
    """Whether parsed JSON is a Darwin file."""
    return isinstance(content, dict) and isinstance(content.get("item"), dict) and "annotations" in content


def read(content: Any, name: str) -> Iterator[DrawnPicture]:
    """The picture of one file.

    Raises:
        ExchangeError: no size, a video, or absurd contents.
    """
    try:
        item = mapping(content, "item")
        slots = entries(item, "slots")
        if len(slots) != 1:
            raise ShapeFault(f"has {len(slots)} slots: export items of one image")
        height, width = whole(slots[0], "height", 1), whole(slots[0], "width", 1)
        annotations = entries(content, "annotations")
        file_name = text(item, "name")
        own = mapping(content, "raymeta", {})
    except ShapeFault as fault:
        raise ExchangeError(f"{name}: {fault}") from None
    check_size(name, height, width)
    folder = (short_text(item.get("path")) or "").strip("/")
    inside = f"{folder}/{file_name}" if folder else file_name
    picture = DrawnPicture(inside, height, width, task_id=short_text(own.get("task")), tool="darwin")
    picture.version = short_text(content.get("version"))
    labels = {
        each["id"]: each["name"]
        for each in annotations
        if isinstance(each, dict) and isinstance(each.get("id"), str) and isinstance(each.get("name"), str)
    }
    for index, entry in enumerate(annotations, start=1):
        with picture.shape(f"annotation {index}"):
            _read_annotation(entry, picture, labels, f"annotation {index}")
    return iter([picture])


def _read_annotation(entry: Any, picture: DrawnPicture, labels: dict[str, str], name: str) -> None:
    label = text(entry, "name")
    shape_id = short_text(entry.get("id"))
    for person in entries(entry, "annotators", []):
        picture.who = short_text(person.get("email") or person.get("full_name")) if isinstance(person, dict) else None
    picture.finished = short_text(member(entry, "updated_at", None)) or picture.finished
    if "raster_layer" in entry:
        _read_raster(mapping(entry, "raster_layer"), picture, labels)
    elif "polygon" in entry:
        rings = tuple(_path(path) for path in _paths(mapping(entry, "polygon")))
        picture.add(DrawnShape(label, rings, shape_id=shape_id, name=name))
    elif "mask" in entry:
        return  # its pixels stand in the raster layer
    elif "ellipse" in entry:
        ellipse = mapping(entry, "ellipse")
        centre, radius = mapping(ellipse, "center"), mapping(ellipse, "radius")
        x, y, radius_x, radius_y = (
            number(member(place, key)) for place, key in ((centre, "x"), (centre, "y"), (radius, "x"), (radius, "y"))
        )
        turned = float(np.rad2deg(number(member(ellipse, "angle", 0), "angle")))
        ring = rotated(ellipse_ring(x, y, radius_x, radius_y), turned, x, y)
        picture.add(DrawnShape(label, (ring,), "ellipse", shape_id=shape_id, name=name))
    elif "tag" in entry:
        if label == UNDECIDABLE:
            picture.verdict = "undecidable"
    elif "keypoint" in entry:
        place = mapping(entry, "keypoint")
        x, y = (number(member(place, key)) for key in ("x", "y"))
        picture.add_point(DrawnPoint(label, x, y, name, shape_id))
    elif any(kind in entry for kind in _NO_AREA):
        picture.notes.append(f"{name} ({shown(label)}) has no area: not read")
    elif "bounding_box" in entry:
        ring = _rectangle(mapping(entry, "bounding_box"))
        if label == BOX_LABEL:
            picture.box = bounds((ring,))
        else:
            picture.add(DrawnShape(label, (ring,), "rectangle", shape_id=shape_id, name=name))
    else:
        raise ShapeFault(f"({shown(label)}) is of a kind that isn't read")


def _paths(polygon: dict[str, Any]) -> list[Any]:
    if "paths" in polygon:
        paths = entries(polygon, "paths")
    else:  # Darwin 1.0
        paths = [entries(polygon, "path"), *entries(polygon, "additional_paths", [])]
    if not paths:
        raise ShapeFault("has no path")
    return paths


def _path(path: Any) -> NDArray[np.float64]:
    if not isinstance(path, list):
        raise ShapeFault(f"path {shown(path)} isn't a list of points")
    return flat_ring([member(point, key) for point in path for key in ("x", "y")])


def _rectangle(box: dict[str, Any]) -> NDArray[np.float64]:
    left, top, width, height = (number(member(box, key)) for key in ("x", "y", "w", "h"))
    return rectangle_ring(left, top, left + width, top + height)


def _read_raster(layer: dict[str, Any], picture: DrawnPicture, labels: dict[str, str]) -> None:
    height, width = picture.height or 0, picture.width or 0
    picture.check_mask(height, width)
    total = member(layer, "total_pixels", height * width)
    if total != height * width:
        raise ShapeFault(f"says {shown(total)} px in all for {width}×{height} px")
    values = decode_dense(entries(layer, "dense_rle"), height, width)
    owners = {}
    for shape_id, value in mapping(layer, "mask_annotation_ids_mapping").items():
        if isinstance(value, bool) or not isinstance(value, int):
            raise ShapeFault(f"maps {shown(shape_id)} to {shown(value)}, which isn't a whole number")
        owners[value] = shape_id
    for value in np.unique(values).tolist():
        if value == 0:
            continue
        owner = owners.get(value)
        if owner is None or owner not in labels:
            raise ShapeFault(f"holds the value {value}, which belongs to no annotation")
        rings = tuple(mask_rings(values == value))
        picture.check_mask(height, width)
        picture.add(DrawnShape(labels[owner], rings, "mask", shape_id=owner, name=f"mask {value}"))


def write(
    pictures: Iterable[DrawnPicture], classes: Sequence[TaskClass], *, answered: bool = True
) -> Iterator[tuple[str, bytes]]:
    """One file a picture; masks go into a raster layer above the polygons.

    Args:
        pictures: their shapes in painting order.
        classes: have no list in this format.
        answered: has no meaning here.
    """
    for picture in pictures:
        stem = picture.name.rsplit(".", 1)[0]
        height, width = picture.height or 0, picture.width or 0
        slot = {"type": "image", "slot_name": "0", "width": width, "height": height}
        slot["source_files"] = [{"file_name": picture.name}]
        item = {"name": picture.name, "path": "/", "slots": [slot]}
        content: dict[str, Any] = {"version": "2.0", "item": item, "annotations": _written(picture, height, width)}
        content["raymeta"] = {"task": picture.task_id}
        yield f"{stem}.json", json.dumps(content, ensure_ascii=False).encode()


def _written(picture: DrawnPicture, height: int, width: int) -> list[dict[str, Any]]:
    annotations: list[dict[str, Any]] = []
    values = np.zeros((height, width), np.int64)
    owners: dict[str, int] = {}
    for index, shape in enumerate(picture.shapes):
        shape_id = str(uuid.uuid5(_NAMESPACE, f"{picture.task_id} {picture.name} {index}"))
        entry: dict[str, Any] = {"id": shape_id, "name": shape.label, "slot_names": ["0"]}
        if shape.geometry != "mask" and shape.fill == "even-odd" and not owners:
            paths = [[{"x": x, "y": y} for x, y in ring.tolist()] for ring in shape.rings]
            left, top, right, bottom = bounds(shape.rings)
            entry["polygon"] = {"paths": paths}
            entry["bounding_box"] = {"x": left, "y": top, "w": right - left, "h": bottom - top}
        else:  # whatever lies above a mask has to be one too
            mask, top_, left_ = shape_mask(shape, height, width)
            owners[shape_id] = len(owners) + 1
            values[top_ : top_ + mask.shape[0], left_ : left_ + mask.shape[1]][mask] = owners[shape_id]
            entry["mask"] = {}
        annotations.append(entry)
    if owners:
        layer = {"dense_rle": encode_dense(values), "total_pixels": height * width}
        layer["mask_annotation_ids_mapping"] = owners
        layer_id = str(uuid.uuid5(_NAMESPACE, f"{picture.task_id} {picture.name} raster"))
        annotations.append({"id": layer_id, "name": "__raster_layer__", "slot_names": ["0"], "raster_layer": layer})
    if picture.verdict == "undecidable":
        tag_id = str(uuid.uuid5(_NAMESPACE, f"{picture.task_id} {picture.name} verdict"))
        annotations.append({"id": tag_id, "name": UNDECIDABLE, "slot_names": ["0"], "tag": {}})
    return annotations

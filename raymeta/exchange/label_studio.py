"""Label Studio's JSON: polygons, rectangles and ellipses in percent of the shown picture, brush masks, bitmasks.

Coordinates are continuous, (0, 0) is the corner. There is no z-order: later results lie above earlier ones.
`original_width` and `original_height` are those of the picture as the browser shows it, after its EXIF orientation.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raymeta.exchange.drawn_pictures import (
    BOX_LABEL,
    REST_IS_VOID,
    UNDECIDABLE,
    DrawnPicture,
    DrawnPoint,
    DrawnShape,
    Mark,
    bounds,
    check_size,
    ellipse_ring,
    rectangle_ring,
    rotated,
)
from raymeta.exchange.errors import ExchangeError, ShapeFault, shown
from raymeta.exchange.json_values import entries, mapping, member, number, seconds_of, short_text, text, whole
from raymeta.exchange.manifest import TaskClass
from raymeta.exchange.outlines import mask_rings
from raymeta.exchange.pixel_patches import decode_patch, encode_png, from_base64
from raymeta.exchange.planar_shapes import shape_mask, without_holes
from raymeta.exchange.run_lengths import decode_rle_pack, encode_rle_pack

_MARKS: Final[dict[str, Mark]] = {"prediction": "unchanged", "prediction-changed": "edited", "manual": "new"}
_DIGITS: Final = 6
"""Decimals of a pixel that survive percent: beyond them is only the noise of the division."""
_SHAPES: Final = ("polygon", "rectangle", "ellipse", "brush", "bitmask")
_DATA_URL: Final = "data:image/png;base64,"


def recognises(content: Any) -> bool:
    """Whether parsed JSON is a list of tasks, or one."""
    tasks = content if isinstance(content, list) else [content]
    return bool(tasks) and all(isinstance(task, dict) and isinstance(task.get("data"), dict) for task in tasks[:50])


def is_minimal(content: Any) -> bool:
    """Whether parsed JSON is what Label Studio calls JSON-MIN: tasks without their annotations as objects."""
    return isinstance(content, list) and bool(content) and all(_is_minimal_task(task) for task in content[:50])


def _is_minimal_task(task: Any) -> bool:
    return isinstance(task, dict) and {"annotation_id", "lead_time"} <= task.keys() and "data" not in task


def read(content: Any, name: str) -> Iterator[DrawnPicture]:
    """One picture for each annotation; predictions are no answers.

    Raises:
        ExchangeError: absurd contents.
    """
    for task in content if isinstance(content, list) else [content]:
        try:
            data = mapping(task, "data")
            annotations = entries(task, "annotations", [])
        except ShapeFault as fault:
            raise ExchangeError(f"{name}: {fault}: export 'JSON', not another format") from None
        for annotation in annotations:
            yield _annotation(annotation, data, name)


def _annotation(annotation: Any, data: dict[str, Any], name: str) -> DrawnPicture:
    own = data.get("raymeta")
    task_id = own.get("task") if isinstance(own, dict) else None
    image = next((data[key] for key in ("image", "img", "picture") if isinstance(data.get(key), str)), "")
    picture = DrawnPicture(image, task_id=short_text(task_id), tool="label-studio")
    try:
        result = entries(annotation, "result", [])
    except ShapeFault as fault:
        picture.faults.append(str(fault))
        return picture
    _read_record(annotation, picture)
    labels = _labels_by_id(result)
    for index, item in enumerate(result, start=1):
        region = short_text(item.get("id")) if isinstance(item, dict) else None
        with picture.shape(f"region {region or index}"):
            _read_item(item, picture, labels, region or str(index))
    return picture


def _read_record(annotation: dict[str, Any], picture: DrawnPicture) -> None:
    if annotation.get("was_cancelled") is True:
        picture.verdict = "skipped"
    by = annotation.get("completed_by")
    picture.who = short_text(by.get("email") or by.get("id")) if isinstance(by, dict) else short_text(by)
    picture.started = short_text(annotation.get("created_at"))
    picture.finished = short_text(annotation.get("updated_at"))
    picture.seconds = seconds_of(annotation.get("lead_time"))
    picture.seconds_source = "ls_lead_time" if picture.seconds is not None else None


def _labels_by_id(result: list[Any]) -> dict[Any, list[Any]]:
    """Labels of regions whose shape and label stand in two items with one id (`<Labels>` beside `<Polygon>`)."""
    labels: dict[Any, list[Any]] = {}
    for item in result:
        if isinstance(item, dict) and item.get("type") == "labels" and isinstance(item.get("value"), dict):
            found = item["value"].get("labels")
            if isinstance(found, list) and isinstance(item.get("id"), str):
                labels.setdefault(item["id"], found)
    return labels


def _read_item(item: Any, picture: DrawnPicture, labels: dict[Any, list[Any]], region: str) -> None:
    kind = text(item, "type", "")
    value = mapping(item, "value", {})
    if kind == "choices":
        choices = entries(value, "choices", [])
        if UNDECIDABLE in choices:
            picture.verdict = "undecidable"
        picture.rest_is_void |= REST_IS_VOID in choices
        return
    if kind == "labels" and not ({"points", "rle", "x"} & value.keys()):
        return
    shape = kind.removesuffix("labels") if kind != "labels" else _shape_of_labels(value)
    if shape not in _SHAPES and shape != "keypoint":
        picture.notes.append(f"region {region} is {shown(kind)}, which has no area: not read")
        return
    _take_size(item, picture)
    found = value.get(kind, value.get("labels", labels.get(short_text(item.get("id")))))
    if shape == "rectangle" and (found in (None, [], [BOX_LABEL])):
        picture.box = bounds((_rectangle(value, picture),))
        return
    count = len(found) if isinstance(found, list) else 0
    if shape == "keypoint" and count != 1:
        picture.notes.append(f"region {region} is a keypoint without a class: not read")
        return
    if count != 1 or not isinstance(found, list) or not isinstance(found[0], str):
        raise ShapeFault(f"has {count or 'no'} label{'s' if count > 1 else ''}: give it one")
    if shape == "keypoint":
        [[x, y]] = _pixels([(number(member(value, "x")), number(member(value, "y")))], picture)
        picture.add_point(DrawnPoint(found[0], float(x), float(y), f"region {region}", short_text(item.get("id"))))
        return
    rings, geometry = _rings(shape, value, picture)
    mark = _MARKS.get(item["origin"]) if isinstance(item.get("origin"), str) else None
    picture.add(
        DrawnShape(found[0], rings, geometry, shape_id=short_text(item.get("id")), mark=mark, name=f"region {region}")
    )


def _shape_of_labels(value: dict[str, Any]) -> str:
    if "points" in value:
        return "polygon"
    if "rle" in value:
        return "brush"
    if "radiusX" in value:
        return "ellipse"
    return "rectangle" if "height" in value else "keypoint"


def _take_size(item: dict[str, Any], picture: DrawnPicture) -> None:
    height, width = whole(item, "original_height", 1), whole(item, "original_width", 1)
    check_size(picture.name, height, width)
    if picture.height is None:
        picture.height, picture.width = height, width
    elif (picture.height, picture.width) != (height, width):
        raise ShapeFault(f"was drawn on {width}×{height} px, other regions on {picture.width}×{picture.height}")


def _rings(shape: str, value: dict[str, Any], picture: DrawnPicture) -> tuple[tuple[NDArray[np.float64], ...], Any]:
    if shape == "polygon":
        if value.get("closed") is False:
            raise ShapeFault("is open: close it")
        points = entries(value, "points")
        if len(points) < 3:
            raise ShapeFault(f"has {len(points)} points: at least 3 make an area")
        pairs = [_pair(point) for point in points]
        return (_pixels(pairs, picture),), "polygon"
    if shape == "rectangle":
        return (_rectangle(value, picture),), "rectangle"
    if shape == "ellipse":
        x, y, radius_x, radius_y = (number(member(value, key)) for key in ("x", "y", "radiusX", "radiusY"))
        centre = _pixels([(x, y), (radius_x, radius_y)], picture)
        ring = ellipse_ring(*centre[0], *centre[1])
        return (rotated(ring, number(member(value, "rotation", 0), "rotation"), *centre[0]),), "ellipse"
    if shape == "brush":
        return tuple(mask_rings(_brush(value, picture))), "mask"
    url = text(value, "imageDataURL")
    if not url.startswith(_DATA_URL):
        raise ShapeFault("has a bitmask that isn't a PNG data URL")
    return tuple(mask_rings(decode_patch(from_base64(url.removeprefix(_DATA_URL)), picture))), "mask"


def _pair(point: Any) -> tuple[float, float]:
    if not isinstance(point, list) or len(point) != 2:
        raise ShapeFault(f"point {shown(point)} is no [x, y]")
    return number(point[0]), number(point[1])


def _pixels(percents: list[tuple[float, float]], picture: DrawnPicture) -> NDArray[np.float64]:
    """Percent of the picture as pixels, (N, 2) float64."""
    size = np.array([picture.width or 0, picture.height or 0], dtype=np.float64)
    return np.round(np.array(percents, dtype=np.float64) * size / 100, _DIGITS)


def _rectangle(value: dict[str, Any], picture: DrawnPicture) -> NDArray[np.float64]:
    x, y, width, height = (number(member(value, key)) for key in ("x", "y", "width", "height"))
    (left, top), (right, bottom) = _pixels([(x, y), (x + width, y + height)], picture)
    degrees = number(member(value, "rotation", 0) or 0, "rotation")
    return rotated(rectangle_ring(left, top, right, bottom), degrees, left, top)


def _brush(value: dict[str, Any], picture: DrawnPicture) -> NDArray[np.bool_]:
    if value.get("format") != "rle":
        raise ShapeFault(f"has a brush in the format {shown(value.get('format'))}: export JSON")
    height, width = picture.height or 0, picture.width or 0
    picture.check_mask(height, width)
    values = decode_rle_pack(entries(value, "rle"), 4 * height * width)
    if len(values) != 4 * height * width:
        raise ShapeFault(f"has {len(values) // 4} px of runs for {width}×{height} px")
    return values.reshape(height, width, 4)[:, :, 3] > 0


def write(
    pictures: Iterable[DrawnPicture],
    classes: Sequence[TaskClass],
    *,
    answered: bool = True,
    bitmasks: bool = False,
    image_prefix: str = "/data/local-files/?d=",
    records: Mapping[str, dict[str, Any]] | None = None,
) -> Iterator[tuple[str, bytes]]:
    """`tasks.json`: tasks with annotations, or with predictions to start from.

    Args:
        pictures: their shapes in painting order.
        classes: not needed: the labels stand in the config.
        answered: annotations if people drew this, predictions otherwise.
        bitmasks: masks as PNG data URLs instead of brush runs.
        image_prefix: what stands before the name of a picture in its address.
        records: by task id, what else comes back in `data.raymeta`.
    """
    tasks = []
    for place_, picture in enumerate(pictures, start=1):
        result = _written(picture, answered, bitmasks)
        own = {"task": picture.task_id} | (records or {}).get(picture.task_id or "", {})
        task: dict[str, Any] = {"data": {"image": image_prefix + picture.name, "raymeta": own}}
        if answered:
            annotation: dict[str, Any] = {"id": place_, "was_cancelled": picture.verdict == "skipped"}
            annotation |= {"completed_by": {"email": picture.who} if picture.who else None}
            annotation |= {"lead_time": picture.seconds, "created_at": picture.started}
            annotation |= {"updated_at": picture.finished, "result": result}
            task |= {"id": place_, "annotations": [annotation], "predictions": []}
        else:
            prediction: dict[str, Any] = {"model_version": picture.version or "raymeta", "result": result}
            scores = [shape.score for shape in picture.shapes if shape.score is not None]
            if scores:
                prediction["score"] = round(sum(scores) / len(scores), 4)  # what its ordering of tasks reads
            task["predictions"] = [prediction]
        tasks.append(task)
    yield "tasks.json", json.dumps(tasks, indent=1, ensure_ascii=False).encode()


def _written(picture: DrawnPicture, answered: bool, bitmasks: bool) -> list[dict[str, Any]]:
    height, width = picture.height or 1, picture.width or 1
    frame = {"to_name": "image", "original_width": width, "original_height": height, "image_rotation": 0}
    origin = "manual" if answered else "prediction"
    result: list[dict[str, Any]] = []
    if picture.box is not None:
        left, top, right, bottom = picture.box
        place = {"x": 100 * left / width, "y": 100 * top / height, "rotation": 0}
        place |= {"width": 100 * (right - left) / width, "height": 100 * (bottom - top) / height}
        result.append({"id": "box", "from_name": "box", "type": "rectangle", "readonly": True, "value": place, **frame})
    for index, shape in enumerate(without_holes(picture.shapes, height, width)):
        item = {"id": shape.shape_id or f"s{index}", "origin": origin, **frame}
        if shape.score is not None and not answered:
            item["score"] = round(shape.score, 4)
        if shape.geometry != "mask":
            points = [[100 * x / width, 100 * y / height] for x, y in shape.rings[0].tolist()]
            value: dict[str, Any] = {"points": points, "closed": True, "polygonlabels": [shape.label]}
            item |= {"from_name": "label", "type": "polygonlabels", "value": value}
        else:
            mask, top, left = shape_mask(shape, height, width)
            full = np.zeros((height, width), np.bool_)
            full[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
            item |= _written_mask(full, shape.label, bitmasks)
        result.append(item)
    choices = [UNDECIDABLE] * (picture.verdict == "undecidable") + [REST_IS_VOID] * picture.rest_is_void
    if choices:
        result.append({"id": "verdict", "from_name": "verdict", "to_name": "image", "type": "choices"})
        result[-1]["value"] = {"choices": choices}
    return result


def _written_mask(mask: NDArray[np.bool_], label: str, bitmask: bool) -> dict[str, Any]:
    if bitmask:
        from base64 import b64encode

        url = _DATA_URL + b64encode(encode_png(mask)).decode()
        return {
            "from_name": "bitmask",
            "type": "bitmasklabels",
            "value": {"imageDataURL": url, "bitmasklabels": [label]},
        }
    rgba = np.repeat(mask.ravel().astype(np.uint8) * np.uint8(255), 4)
    value = {"format": "rle", "rle": encode_rle_pack(rgba), "brushlabels": [label]}
    return {"from_name": "brush", "type": "brushlabels", "value": value}

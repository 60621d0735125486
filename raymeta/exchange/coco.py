"""COCO: polygons whose rings are united, and masks as runs down the columns, plain or packed as text.

Corner coordinates. There is no order; that of the file is taken, and pixels in two shapes are told.
`area`, `bbox` and `iscrowd` are never read.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raymeta.exchange.drawn_pictures import UNDECIDABLE, DrawnPicture, DrawnShape, bounds, check_size
from raymeta.exchange.errors import ExchangeError, ShapeFault, shown
from raymeta.exchange.json_values import entries, flat_ring, mapping, member, short_text, text, whole
from raymeta.exchange.manifest import TaskClass
from raymeta.exchange.outlines import mask_rings
from raymeta.exchange.planar_shapes import shape_mask
from raymeta.exchange.run_lengths import decode_coco_text, decode_runs, encode_coco_text, encode_runs

FILE: Final = "instances.json"
_LARGEST_ID: Final = 2**63


def recognises(content: Any) -> bool:
    """Whether parsed JSON is a COCO file."""
    return isinstance(content, dict) and {"images", "annotations"} <= content.keys()


def read(content: Any, name: str) -> Iterator[DrawnPicture]:
    """Pictures of a file, in the order of `images`.

    Raises:
        ExchangeError: lists that don't hold together, or absurd contents.
    """
    try:
        categories, twice = _categories(entries(content, "categories", []))
        pictures = [
            (whole(image, "id", most=_LARGEST_ID), _picture(image, name)) for image in entries(content, "images")
        ]
        annotations = entries(content, "annotations")
    except ShapeFault as fault:
        raise ExchangeError(f"{name}: {fault}") from None
    grouped: dict[int, list[tuple[int, Any]]] = {}
    orphans = 0
    known = {number for number, _ in pictures}
    for index, annotation in enumerate(annotations):
        image_id = annotation.get("image_id") if isinstance(annotation, dict) else None
        if isinstance(image_id, int) and image_id in known:
            grouped.setdefault(image_id, []).append((index, annotation))
        else:
            orphans += 1
    if len(known) < len(pictures):
        raise ExchangeError(f"{name}: two images have one id: export it again")
    for image_id, picture in pictures:
        for index, annotation in grouped.get(image_id, []):
            found = short_text(annotation.get("id"))
            called = f"annotation {found if found is not None else f'at place {index}'}"
            with picture.shape(called):
                _read_annotation(annotation, picture, categories, called, twice)
        if orphans:
            picture.notes.append(f"{orphans} annotations belong to no image of the file: not read")
            orphans = 0
        yield picture


def _categories(values: list[Any]) -> tuple[dict[int, str], set[str]]:
    """Names by category id, and the names that several categories have."""
    names: dict[int, str] = {}
    for category in values:
        number = whole(category, "id", most=_LARGEST_ID)
        if number in names:
            raise ShapeFault(f"two categories have the id {number}")
        names[number] = text(category, "name")
    called = list(names.values())
    return names, {name for name in called if called.count(name) > 1} if len(called) < 5000 else set()


def _picture(image: Any, name: str) -> DrawnPicture:
    height, width = whole(image, "height", 1), whole(image, "width", 1)
    file_name = text(image, "file_name")
    check_size(f"{name}: image {shown(file_name)}", height, width)
    own = mapping(image, "raymeta", {})
    picture = DrawnPicture(file_name, height, width, task_id=short_text(own.get("task")), tool="coco", ordered=False)
    if own.get(UNDECIDABLE) is True:
        picture.verdict = "undecidable"
    return picture


def _read_annotation(
    annotation: dict[str, Any], picture: DrawnPicture, categories: dict[int, str], called: str, twice: set[str]
) -> None:
    number = whole(annotation, "category_id", most=_LARGEST_ID)
    label = categories.get(number)
    if label is None:
        raise ShapeFault(f"has the category {number}, which the file doesn't list")
    outline = member(annotation, "segmentation", None)
    if outline is None or outline == []:
        picture.notes.append(f"{called} ({shown(label)}) has no outline: not read")
        return
    message = f"several categories are named {shown(label)}: taken for one"
    if label in twice and message not in picture.notes:
        picture.notes.append(message)
    if isinstance(outline, dict):
        picture.add(DrawnShape(label, _mask(outline, picture), "mask", name=called))
    elif isinstance(outline, list):
        rings = tuple(flat_ring(ring) for ring in outline)
        picture.add(DrawnShape(label, rings, fill="union", name=called))
    else:
        raise ShapeFault(f"has the segmentation {shown(outline)}, neither rings nor runs")


def _mask(outline: dict[str, Any], picture: DrawnPicture) -> tuple[NDArray[np.float64], ...]:
    size = entries(outline, "size")
    if len(size) != 2 or not all(isinstance(side, int) and not isinstance(side, bool) for side in size):
        raise ShapeFault(f"has runs of the size {shown(size)}: [height, width] belong there")
    height, width = size
    picture.check_mask(height, width)
    if (height, width) != (picture.height, picture.width):
        raise ShapeFault(f"has runs for {width}×{height} px on a picture of {picture.width}×{picture.height}")
    counts = member(outline, "counts")
    if isinstance(counts, str):
        runs = decode_coco_text(counts)
    elif isinstance(counts, list):
        runs = counts  # type: ignore[assignment]
    else:
        raise ShapeFault(f"has the counts {shown(counts)}, neither a list nor text")
    return tuple(mask_rings(decode_runs(runs, height, width, order="F")))


def write(
    pictures: Iterable[DrawnPicture], classes: Sequence[TaskClass], *, answered: bool = True, packed: bool = True
) -> Iterator[tuple[str, bytes]]:
    """`instances.json`: polygons of one ring; runs where there are holes or several parts.

    The format has no order, so a hole is never left to a later shape.

    Args:
        pictures: their shapes in painting order.
        classes: become categories, ids from 1.
        answered: has no meaning here.
        packed: runs as text, or as a list.
    """
    names = [each.name for each in classes]
    numbers = {name: index for index, name in enumerate([*names, *(["void"] if "void" not in names else [])], start=1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, picture in enumerate(pictures, start=1):
        own = {"task": picture.task_id, UNDECIDABLE: picture.verdict == "undecidable"}
        image = {"id": image_id, "file_name": picture.name, "width": picture.width, "height": picture.height}
        images.append({**image, "raymeta": own})
        for shape in picture.shapes:
            entry: dict[str, Any] = {"id": len(annotations) + 1, "image_id": image_id}
            entry["category_id"] = numbers[shape.label]
            if shape.score is not None:
                entry["score"] = round(shape.score, 4)
            annotations.append(entry | outline_entry(shape, picture.height or 0, picture.width or 0, packed))
    categories = [{"id": number, "name": name, "supercategory": ""} for name, number in numbers.items()]
    content = {"info": {}, "licenses": [], "images": images, "categories": categories, "annotations": annotations}
    yield FILE, json.dumps(content, ensure_ascii=False).encode()


def outline_entry(shape: DrawnShape, height: int, width: int, packed: bool = True) -> dict[str, Any]:
    """`segmentation`, `area`, `bbox` and `iscrowd` of one shape on a picture of `height` × `width` pixels."""
    mask, top, left = shape_mask(shape, height, width)
    area = int(np.count_nonzero(mask))
    if shape.geometry != "mask" and len(shape.rings) == 1:
        x1, y1, x2, y2 = bounds(shape.rings)
        flat = shape.rings[0].ravel().tolist()
        return {"segmentation": [flat], "area": area, "bbox": [x1, y1, x2 - x1, y2 - y1], "iscrowd": 0}
    full = np.zeros((height, width), np.bool_)
    full[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    runs = encode_runs(full, order="F")
    box = [left, top, mask.shape[1], mask.shape[0]]
    outline = {"size": [height, width], "counts": encode_coco_text(runs) if packed else runs}
    return {"segmentation": outline, "area": area, "bbox": box, "iscrowd": 0 if packed else 1}

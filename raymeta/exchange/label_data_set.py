"""Bought labels as a data set of their own: PNG, Cityscapes polygons and COCO, of one and the same raster."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.sample import IGNORED
from raymeta.exchange import cityscapes
from raymeta.exchange.coco import outline_entry
from raymeta.exchange.drawn_pictures import DrawnPicture
from raymeta.exchange.errors import ExchangeError, shown
from raymeta.exchange.manifest import TaskClass
from raymeta.exchange.pixel_patches import encode_png
from raymeta.exchange.planar_shapes import partition_shapes


def write_label_data_set(
    folder: Path,
    labels: Iterable[tuple[str, NDArray[np.uint8]]],
    classes: Sequence[TaskClass],
    *,
    split: str = "train",
) -> int:
    """Write label maps in three formats, one image at a time.

    `labels/SPLIT/<id>.png` holds class ids (255 unknown), with `classes.yaml` in the layout of raymeta's folders;
    `polygons/SPLIT/<id>_gtFine_polygons.json` the same by Cityscapes' rule; `coco/instances_SPLIT.json` all images.

    Args:
        folder: made if it isn't there.
        labels: image id and label map, (H, W) uint8 class ids, 255 where nothing is known.
        classes: of the run.
        split: name of the part.

    Returns:
        Number of images.

    Raises:
        ExchangeError: a class id that isn't in the list, or an image id that leaves the folder.
        OSError: nothing can be written there.
    """
    names = {each.id: each.name for each in classes}
    (folder / "coco").mkdir(parents=True, exist_ok=True)
    (folder / "classes.yaml").write_text(_class_file(classes), encoding="utf-8")
    images: list[dict[str, Any]] = []
    with (folder / "coco" / f"instances_{split}.json").open("w", encoding="utf-8") as stream:
        categories = [{"id": each.id + 1, "name": each.name, "supercategory": ""} for each in classes]
        stream.write(f'{{"info": {{}}, "licenses": [], "categories": {json.dumps(categories)}, "annotations": [')
        count = 0
        for image_id, label_map in labels:
            _check(image_id, label_map, names)
            height, width = label_map.shape
            shapes = partition_shapes(label_map, names)
            picture = DrawnPicture(f"{image_id}.png", height, width, None, shapes)
            _write(folder / "labels" / split / f"{image_id}.png", encode_png(label_map))
            for name, data in cityscapes.write([picture], classes):
                _write(folder / "polygons" / split / name, data)
            images.append({"id": len(images) + 1, "file_name": picture.name, "width": width, "height": height})
            count = _write_annotations(stream, picture, images[-1]["id"], classes, count)
        stream.write(f'], "images": {json.dumps(images)}}}')
    return len(images)


def _write_annotations(
    stream: IO[str], picture: DrawnPicture, image_id: int, classes: Sequence[TaskClass], count: int
) -> int:
    height, width = picture.height or 0, picture.width or 0
    numbers = {each.name: each.id + 1 for each in classes}
    for shape in picture.shapes:
        count += 1
        entry = {"id": count, "image_id": image_id, "category_id": numbers[shape.label]}
        stream.write(",\n" * (count > 1) + json.dumps(entry | outline_entry(shape, height, width)))
    return count


def _check(image_id: str, label_map: NDArray[np.uint8], names: dict[int, str]) -> None:
    if not image_id or image_id.startswith("/") or ".." in image_id.replace("\\", "/").split("/"):
        raise ExchangeError(f"image id {shown(image_id)} leaves the folder: rename the image")
    unknown = [value for value in np.unique(label_map).tolist() if value not in names and value != IGNORED]
    if unknown:
        raise ExchangeError(f"{image_id}: class ids {unknown[:20]} are outside the class list")


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _class_file(classes: Sequence[TaskClass]) -> str:
    import yaml

    entries = [{"name": each.name, "value": each.id, "color": list(each.rgb)} for each in classes]
    return yaml.safe_dump({"classes": entries, "void": [IGNORED]}, allow_unicode=True, sort_keys=False)

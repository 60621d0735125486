"""The config with which somebody begins who has a folder of images, a class list, and no wishes yet."""

from collections import Counter
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from raymeta.config import ConfigError, DatasetConfig
from raymeta.datasets.data_paths import DataPath, files_below
from raymeta.datasets.folder import CLASS_FILE
from raymeta.datasets.image_files import is_image_name
from raymeta.datasets.read_sizes import ReadSize
from raymeta.datasets.registry import data_folder, open_dataset
from raymeta.datasets.sample import Dataset
from raymeta.locations import hide_secrets
from raymeta.network_settings import FROM_SCRATCH, PRETRAINED, has_pretrained

MAX_SIDE: Final = 512
"""Rows or columns, whichever are fewer, at which large images are read: more only costs time at first."""
CROP_SHARE: Final = 0.45
QUERY_SHARE: Final = 0.03
"""Of the pool's pixels, an iteration."""
Ask = Literal["points", "segments", "superpixels", "boxes"]
MAX_POINTS: Final = 1000
"""Of a query, or segments: at 1 to 3 seconds each, somewhat less than an hour."""
HEADER: Final = """\
# Made by `raymeta label` for {folder}. Change what you like before the first answer; what may be changed later is told
# when it is tried. `raymeta config --keys` lists all keys.
"""


def first_config(root: str, run_dir: str, ask: Ask = "superpixels") -> str:
    """A config as YAML text: people label, sizes follow the images.

    Args:
        root: folder or URI that holds classes.yaml, and images in images/train and images/val, or all of them below
            images.
        run_dir: of the run.
        ask: the class of superpixels, which needed fewest clicks (docs/study_fewer_clicks.md), that of predicted
            segments or at points, or outlines in boxes.

    Raises:
        ValueError: no images, no class list, or one with faults.
    """
    files: dict[str, Any] = {"kind": "folder", "root": root}
    files |= _places(data_folder(DatasetConfig.model_validate(files)))
    dataset = open_dataset(DatasetConfig.model_validate(files))
    height, width, resized = _read_size(dataset)
    values = {
        "run_dir": run_dir,
        "iterations": 5,
        "dataset": files | resized,
        "acquisition": _acquisition(len(dataset.pool_ids()), height, width, ask),
        "oracle": {"kind": "people"},
        **_learning(height, width, ask),
    }
    return HEADER.format(folder=hide_secrets(root)) + yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def _places(folder: DataPath) -> dict[str, Any]:
    """Keys of `dataset` that say where the images are."""
    images = folder / "images"
    if not folder.is_dir():
        raise ConfigError(f"{folder}: there is no such folder: make it, with {CLASS_FILE} and images in images/")
    if (images / "train").is_dir():
        return {}
    count = sum(is_image_name(path.name) for path in files_below(images)) if images.is_dir() else 0
    if count < 4:
        raise ConfigError(_too_few(folder, count))
    validation = max(2, min(20, count // 10))
    labels = {"label_pattern": "labels/{id}.*"} if (folder / "labels").is_dir() else {}
    return {"image_pattern": "images/{id}.*", **labels, "validation_every": count // validation}


def _too_few(folder: DataPath, count: int) -> str:
    """What to do where `folder`/images holds too few images."""
    images = folder / "images"
    beside = sum(is_image_name(path.name) for path in folder.iterdir())
    if beside and (folder.parent / CLASS_FILE).is_file():
        return f"{folder} holds the images themselves: name {folder.parent}, where {CLASS_FILE} is"
    if beside:
        return f"{beside} images lie in {folder} itself: move them into {images}, beside {CLASS_FILE}"
    names = [path.name for path in files_below(images)] if images.is_dir() else []
    others = sorted({Path(name).suffix.lower() or name for name in names if not is_image_name(name)})
    unread = f" (files {', '.join(others[:4])} are not read: store them as PNG or JPEG)" if others else ""
    found = "no image" if not count else "1 image" if count == 1 else f"{count} images"
    return (
        f"{images} holds {found}{unread}, and at least 4 are needed: put all images there, or those to label into "
        "images/train and those for validation into images/val"
    )


def _read_size(dataset: Dataset) -> tuple[int, int, dict[str, int]]:
    """Rows and columns of the smallest image as it is read, and the keys of `dataset` that shrink large ones."""
    sizes = Counter(dataset.size(image_id) for image_id in dataset.pool_ids())
    height, width = min(sizes, key=lambda size: (min(size), size))
    if len(sizes) > 1:
        return _read_each(sizes)
    if min(height, width) <= MAX_SIDE:
        return height, width, {}
    scale = MAX_SIDE / min(height, width)
    height, width = round(height * scale), round(width * scale)
    return height, width, {"height": height, "width": width}


def _read_each(sizes: Counter[tuple[int, int]]) -> tuple[int, int, dict[str, int]]:
    """As `_read_size`, of several sizes: each is shrunk by its longer side, as the most frequent shape needs."""
    shapes = Counter[tuple[int, int]]()
    for size, count in sizes.items():
        shapes[min(size), max(size)] += count
    (shorter, longer), _ = shapes.most_common(1)[0]
    max_side = round(MAX_SIDE * longer / shorter)
    read = [ReadSize(max_side=max_side).of(*size) for size in sizes]
    height, width = min(read, key=lambda size: (min(size), size))
    return height, width, {"max_side": max_side} if any(max(size) > max_side for size in sizes) else {}


def _acquisition(images: int, height: int, width: int, ask: Ask) -> dict[str, Any]:
    """Boxes of about an eighth of an image's shorter side; points, segments and superpixels have a third of that.

    Queries are such that a person answers them in an hour or so.
    """
    initial = max(1, min(20, images // 10))
    if ask != "boxes":
        apart = max(4, min(height, width) // (11 if ask == "superpixels" else 22))
        fitting = (height // apart) * (width // apart) * (images - initial)
        return {
            "strategy": ask,
            "box_width": apart,
            "query_size": min(MAX_POINTS, fitting),
            "initial_images": initial,
        }
    box = max(16, round(min(height, width) / 8 / 8) * 8)
    pixels = images * height * width * QUERY_SHARE
    return {
        "strategy": "metabox_plus",
        "box_width": min(box, height, width),
        "query_size": max(4, min(300, round(pixels / box**2))),
        "initial_images": initial,
        "meta_images": max(1 if images < 8 else 2, min(10, images // 20)),
    }


def _learning(height: int, width: int, ask: Ask) -> dict[str, Any]:
    # Or the few pixels of points are drowned by those of the first images.
    balance = {"example_balance": 0.5} if ask != "boxes" else {}
    if not has_pretrained():
        return FROM_SCRATCH | {"training": FROM_SCRATCH["training"] | balance}
    steps = {
        "steps": 1500,
        "full_steps_at": 12 if ask != "boxes" else 100,
        "min_steps": 300,
        "max_epochs": 4,
        "patience": 4,
    }
    crop = {"crop_height": max(32, int(height * CROP_SHARE)), "crop_width": max(32, int(width * CROP_SHARE))}
    return {"network": PRETRAINED["network"], "training": PRETRAINED["training"] | steps | crop | balance}

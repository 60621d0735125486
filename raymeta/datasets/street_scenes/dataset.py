"""Generated street scenes, written in the layout of Cityscapes, polygons included."""

import io
import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from raymeta.datasets.cityscapes import IMAGE_ENDING, LABELS_ENDING, POLYGONS_ENDING
from raymeta.datasets.sample import DatasetError
from raymeta.datasets.street_scenes.layout import StreetScene, draw_scene
from raymeta.local_files import read_bounded

PARAMETER_FILE = "scenes.json"
MAX_PARAMETER_BYTES = 1 << 16
DRAWING = 1
"""Number of the drawing: raised when the same seed gives other scenes."""

CITIES = {"train": "arlena", "val": "brunnfeld", "test": "cressow"}
SMALLEST = 32
"""Pixels; smaller pictures show no street."""


def write_street_scenes(
    root: str | Path,
    train_images: int,
    validation_images: int,
    height: int,
    width: int,
    seed: int,
    progress: Callable[[], None] | None = None,
    *,
    test_images: int = 0,
) -> None:
    """Write a set of scenes below `root`; what is there of the same set already is kept.

    Every file appears complete or not at all, and two processes may write the same set at once. `progress` is called
    after each scene. height, width: pixels.

    Raises:
        DatasetError: the folder holds another set or other data, can't be written, or a number is out of range.
    """
    root = Path(root)
    for name, value, least in (
        ("train_images", train_images, 1), ("validation_images", validation_images, 1),
        ("height", height, SMALLEST), ("width", width, SMALLEST), ("seed", seed, 0),
    ):  # fmt: skip
        if value < least:
            raise DatasetError(f"{name} {value}: choose at least {least}")
    parameters = {
        "drawing": DRAWING, "train_images": train_images, "validation_images": validation_images,
        "height": height, "width": width, "seed": seed,
    } | ({"test_images": test_images} if test_images else {})  # fmt: skip
    try:
        _claim(root, parameters)
        for split, count in (("train", train_images), ("val", validation_images), ("test", test_images)):
            for index in range(count):
                _write_missing(root, split, index, height, width, seed)
                if progress is not None:
                    progress()
    except OSError as error:
        raise DatasetError(f"street scenes can't be written to {root}: {error}: choose a writable folder") from error


def _claim(root: Path, parameters: dict[str, int]) -> None:
    """Note the parameters in an empty folder, or make sure that they are those of the scenes already there."""
    path = root / PARAMETER_FILE
    if path.is_file():
        try:
            found = json.loads(read_bounded(path, MAX_PARAMETER_BYTES))
        except (ValueError, RecursionError) as error:
            raise DatasetError(f"{path} is damaged ({error}): remove the folder, or choose another") from error
        if found != parameters:
            raise DatasetError(
                f"{root} holds street scenes of other parameters ({_shown(found)}; asked for: {_shown(parameters)}): "
                "remove the folder, or choose another"
            )
        return
    root.mkdir(parents=True, exist_ok=True)
    foreign = [entry.name for entry in root.iterdir() if not entry.name.startswith(".scene-")]
    # Another process may have claimed the folder a moment ago.
    if foreign and not path.is_file():
        raise DatasetError(
            f"{root} holds other data ({sorted(foreign)[0]}, …): choose an empty folder for street scenes"
        )
    _write_atomically(path, json.dumps(parameters, indent=1).encode())


def _shown(parameters: object) -> str:
    return ", ".join(f"{key} {value}" for key, value in parameters.items()) if isinstance(parameters, dict) else "none"


def _write_missing(root: Path, split: str, index: int, height: int, width: int, seed: int) -> None:
    """Write the files of one scene that are not there yet."""
    city = CITIES[split]
    stem = f"{split}/{city}/{city}_{seed:06d}_{index:06d}"
    image = root / "leftImg8bit" / f"{stem}{IMAGE_ENDING}"
    labels, polygons = (root / "gtFine" / f"{stem}{ending}" for ending in (LABELS_ENDING, POLYGONS_ENDING))
    missing = [path for path in (image, labels, polygons) if not path.exists()]
    if not missing:
        return
    scene = draw_scene(np.random.default_rng([seed, list(CITIES).index(split), index]), height, width)
    for path in missing:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path == polygons:
            _write_atomically(path, _polygon_file(scene))
        else:
            _write_image(path, scene.image if path == image else scene.label_ids)


def _polygon_file(scene: StreetScene) -> bytes:
    height, width = scene.label_ids.shape
    objects = [{"label": label, "polygon": points.tolist()} for label, points in scene.objects]
    return json.dumps({"imgHeight": height, "imgWidth": width, "objects": objects}).encode()


def _write_image(path: Path, pixels: NDArray[np.uint8]) -> None:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", compress_level=1)
    _write_atomically(path, file.getvalue())


def _write_atomically(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f".scene-{uuid.uuid4().hex}")
    try:
        unfinished.write_bytes(content)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)

"""Tiny data sets in each layout, written file by file."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 12, 20


def save(path: Path, pixels) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(path)
    return path


def picture(seed: int = 0, height: int = HEIGHT, width: int = WIDTH):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def write_camvid(root: Path, train: int = 4, val: int = 2) -> Path:
    for split, count in (("train", train), ("val", val)):
        for index in range(count):
            save(root / split / f"{split}_{index}.png", picture(index))
            save(root / f"{split}annot" / f"{split}_{index}.png", np.full((HEIGHT, WIDTH), index % 12))
    return root


POLYGONS = {
    "imgHeight": HEIGHT,
    "imgWidth": WIDTH,
    "objects": [
        {"label": "road", "polygon": [[0, 0], [19, 0], [19, 11], [0, 11]]},
        {"label": "cargroup", "polygon": [[2, 2], [8, 2], [8, 8]]},
        {"label": "static", "polygon": [[1, 1], [3, 1], [3, 3]]},
        {"label": "ego vehicle", "polygon": [[0, 9], [19, 9], [19, 11]]},
        {"label": "person", "deleted": 1, "polygon": [[5, 5], [6, 5], [6, 6]]},
        {"label": "sky", "polygon": [[-3.5, -2], [4, -2], [4, 1]]},
    ],
}


def write_cityscapes(root: Path, train: int = 3, val: int = 1) -> Path:
    for split, count in (("train", train), ("val", val)):
        for index in range(count):
            stem = f"{split}/bonn/bonn_{split}_{index:06d}"
            save(root / "leftImg8bit" / f"{stem}_leftImg8bit.png", picture(index))
            labels = np.full((HEIGHT, WIDTH), 7)
            labels[0, :4] = [26, 4, 255, 33]
            save(root / "gtFine" / f"{stem}_gtFine_labelIds.png", labels)
            (root / "gtFine" / f"{stem}_gtFine_polygons.json").write_text(json.dumps(POLYGONS))
    return root


CLASSES = """
classes:
  - {name: ground, value: 10, color: [1, 2, 3]}
  - {name: thing, value: 20}
void: [0, 255]
"""


def write_folder(root: Path, train: int = 3, val: int = 1) -> Path:
    for split, count in (("train", train), ("val", val)):
        for index in range(count):
            save(root / "images" / split / f"{split}{index}.jpg", picture(index))
            labels = np.full((HEIGHT, WIDTH), 10)
            labels[0, :3] = [20, 0, 255]
            save(root / "labels" / split / f"{split}{index}.png", labels)
    (root / "classes.yaml").write_text(CLASSES)
    return root

"""A run on street scenes in the `folder` layout, some of them with names that no page may take for markup."""

from pathlib import Path

import numpy as np
import yaml
from PIL import Image
from served_run import make_run
from tiny_settings import SCENES, TINY

from raymeta.config import DatasetConfig
from raymeta.datasets.registry import open_dataset
from raymeta.datasets.sample import Dataset

SMALL = TINY | {"iterations": 3, "training": TINY["training"] | {"max_epochs": 4, "steps_per_epoch": 4}}
MARKUP = "<img src=x onerror=document.documentElement.dataset.hacked=1>"
ODD = '100% #1? & "b" .a'
CLASS_MARKUP = "<i>road</i>"


def make_hostile_run(folder: Path) -> Path:
    """A run of three iterations over a folder with hostile names; gives its run folder."""
    scenes = DatasetConfig.model_validate({"kind": "street_scenes", "root": str(folder / "scenes"), "scenes": SCENES})
    root = write_hostile_folder(folder / "hostile", scenes)
    return make_run(folder, SMALL | {"dataset": {"kind": "folder", "root": str(root)}})


def write_hostile_folder(root: Path, scenes: DatasetConfig) -> Path:
    """Write the scenes below `root`; the last two of the pool get MARKUP and ODD as their names."""
    dataset = open_dataset(scenes, seed=0)
    pool = list(dataset.pool_ids())
    names = {image_id: image_id for image_id in pool} | {pool[-1]: MARKUP, pool[-2]: ODD}
    _write(root, "train", dataset, names)
    _write(root, "val", dataset, {image_id: image_id for image_id in dataset.validation_ids()})
    classes = [
        {"name": CLASS_MARKUP if index == 0 else name, "value": index, "color": colour}
        for index, (name, colour) in enumerate(zip(dataset.class_names, dataset.palette.tolist(), strict=True))
    ]
    (root / "classes.yaml").write_text(yaml.safe_dump({"classes": classes, "void": [255]}))
    return root


def _write(root: Path, split: str, dataset: Dataset, names: dict[str, str]) -> None:
    for kind in ("images", "labels"):
        (root / kind / split).mkdir(parents=True)
    for image_id, name in names.items():
        Image.fromarray(dataset.image(image_id)).save(root / "images" / split / f"{name}.png")
        Image.fromarray(dataset.label_map(image_id).astype(np.uint8)).save(root / "labels" / split / f"{name}.png")

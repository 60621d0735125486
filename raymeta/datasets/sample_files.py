"""The files of one image, and how they are found in folders of images and labels."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from raymeta.datasets.image_files import canonical_name, list_images
from raymeta.datasets.sample import DatasetError, Polygon

PolygonReader = Callable[[Path], tuple[list[Polygon], tuple[int, int]]]
"""Reads one polygon file: polygons in its pixels, and its (height, width). Raises DatasetError naming each fault."""


@dataclass(frozen=True)
class SampleFiles:
    """Where image, label map and polygons of one image lie."""

    image: Path
    labels: Path
    polygons: Path | None = None


def require_folders(root: Path, folders: list[str], layout: str) -> None:
    """Raise DatasetError, naming what is missing and the expected layout, unless all folders are in `root`."""
    if not root.is_dir():
        raise DatasetError(f"data set folder {root} is missing: set dataset.root to a folder with {layout}")
    missing = [str(root / folder) for folder in folders if not (root / folder).is_dir()]
    if missing:
        raise DatasetError(f"folder {', '.join(missing)} is missing: expected {layout}")


@dataclass(frozen=True)
class FoundFiles:
    """What a part of a data set holds.

    samples: files by image id. orphans: a fault for each label file without image. absent: files of `samples` that
    weren't there when the folders were listed.
    """

    samples: dict[str, SampleFiles]
    orphans: tuple[str, ...]
    absent: frozenset[Path]


def pair_files(image_folder: Path, label_folder: Path) -> FoundFiles:
    """Images and label maps of the same stem; one entry an image, its label map may be absent.

    Raises:
        DatasetError: no image at all, or two files share a stem.
    """
    images, labels = list_images(image_folder), list_images(label_folder)
    if not images:
        raise DatasetError(f"folder {image_folder} holds no PNG or JPEG image: put the images there")
    known = {canonical_name(stem): path for stem, path in labels.items()}
    pairs = {
        stem: SampleFiles(path, known.get(canonical_name(stem), label_folder / f"{stem}.png"))
        for stem, path in images.items()
    }
    alone = known.keys() - {canonical_name(stem) for stem in images}
    orphans = [f"{known[stem]}: has no image in {image_folder}" for stem in sorted(alone)]
    there = set(labels.values())
    absent = frozenset(sample.labels for sample in pairs.values() if sample.labels not in there)
    return FoundFiles(pairs, tuple(orphans), absent)

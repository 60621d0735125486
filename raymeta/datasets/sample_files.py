"""The files of one image, and how they are found in folders of images and labels."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from raymeta.datasets.data_paths import DataPath
from raymeta.datasets.file_patterns import deeper_folders, expected_file, shared_affix
from raymeta.datasets.image_files import IMAGE_SUFFIXES, canonical_name, list_images
from raymeta.datasets.sample import DatasetError, Polygon

PolygonReader = Callable[[DataPath], tuple[list[Polygon], tuple[int, int]]]
"""Reads one polygon file: polygons in its pixels, and its (height, width). Raises DatasetError naming each fault."""


@dataclass(frozen=True)
class SampleFiles:
    """Where image, label map and polygons of one image lie. has_labels: whether there was a label map when listed."""

    image: DataPath
    labels: DataPath
    polygons: DataPath | None = None
    has_labels: bool = True


def require_folders(root: DataPath, folders: list[str], layout: str) -> None:
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
    absent: frozenset[DataPath]


def pair_files(image_folder: DataPath, label_folder: DataPath, *, has_patterns: bool = False) -> FoundFiles:
    """Images and label maps of the same stem; one entry an image, its label map may be absent.

    has_patterns: whether this kind of data set takes `dataset.image_pattern` and `label_pattern`, as a remedy.

    Raises:
        DatasetError: no image at all, or two files share a stem.
    """
    images, labels = list_images(image_folder), list_images(label_folder) if label_folder.is_dir() else {}
    if not images:
        raise DatasetError(_no_image(image_folder, has_patterns))
    found = match_stems(images, labels, "{id}.png", label_folder, "")
    affix = shared_affix(images, labels) if found.orphans and has_patterns else None
    if affix is None:
        return found
    pattern = f"labels/{{split}}/{affix[0]}{{id}}{affix[1]}{next(iter(labels.values())).suffix}"
    named = ", ".join(sorted(labels)[:3]) + (", …" if len(labels) > 3 else "")
    orphan = (
        f"{label_folder}: {len(labels)} label maps are named {affix[0]}<image>{affix[1]} ({named}), so no image finds "
        f"its own: set dataset.label_pattern={pattern}"
    )
    return replace(found, orphans=(orphan,))


def match_stems(
    images: Mapping[str, DataPath], labels: Mapping[str, DataPath], pattern: str, root: DataPath, split: str
) -> FoundFiles:
    """Images and label maps of the same id; pattern: where a label map that is absent would be, below `root`."""
    known = {canonical_name(stem): path for stem, path in labels.items()}
    pairs = {
        stem: SampleFiles(
            path,
            known.get(canonical_name(stem), expected_file(root, pattern, split, stem)),
            has_labels=canonical_name(stem) in known,
        )
        for stem, path in images.items()
    }
    alone = known.keys() - {canonical_name(stem) for stem in images}
    folder = next(iter(images.values())).parent
    orphans = (f"{known[stem]}: has no image in {folder}" for stem in sorted(alone))
    there = set(labels.values())
    absent = frozenset(sample.labels for sample in pairs.values() if sample.labels not in there)
    return FoundFiles(pairs, tuple(orphans), absent)


def _no_image(folder: DataPath, has_patterns: bool) -> str:
    """What is there instead of images, and the remedy."""
    deeper = deeper_folders(folder)
    if deeper:
        shown = ", ".join(deeper[:3]) + (", …" if len(deeper) > 3 else "")
        remedy = (
            "set dataset.image_pattern=images/{split}/{id}.* and dataset.label_pattern=labels/{split}/{id}.*"
            if has_patterns
            else "move them up"
        )
        return f"folder {folder} holds no image, its folders do ({shown}): {remedy}"
    others = Counter(path.suffix or path.name for path in folder.iterdir() if path.is_file())
    if others:
        suffix, count = others.most_common(1)[0]
        return (
            f"folder {folder} holds {count} files {suffix} and no image that can be read: store them as "
            f"{', '.join(IMAGE_SUFFIXES)}"
        )
    return f"folder {folder} holds no image: put the images there ({', '.join(IMAGE_SUFFIXES)})"

"""Cityscapes in its published layout: 19 evaluated classes, label maps and polygons.

Cordts et al.: The Cityscapes Dataset for Semantic Urban Scene Understanding (2016).
"""

import numpy as np

from raymeta.datasets.cityscapes_labels import CITYSCAPES_LABELS, EVALUATED_LABELS
from raymeta.datasets.cityscapes_polygons import read_cityscapes_polygons
from raymeta.datasets.class_list import ClassList
from raymeta.datasets.data_paths import DataPath
from raymeta.datasets.file_dataset import DatasetFiles
from raymeta.datasets.image_files import name_fault
from raymeta.datasets.sample import DatasetError
from raymeta.datasets.sample_files import FoundFiles, SampleFiles, require_folders

IMAGE_ENDING = "_leftImg8bit.png"
LABELS_ENDING = "_gtFine_labelIds.png"
POLYGONS_ENDING = "_gtFine_polygons.json"
LAYOUT = (
    f"leftImg8bit/{{train,val}}/<city>/<city>_<seq>_<frame>{IMAGE_ENDING} and "
    f"gtFine/{{train,val}}/<city>/<city>_<seq>_<frame>{LABELS_ENDING} and …{POLYGONS_ENDING}"
)


def cityscapes_classes() -> ClassList:
    """The 19 evaluated classes; every other label id is ignored (id -1 is stored as 255)."""
    return ClassList(
        names=tuple(label.name for label in EVALUATED_LABELS),
        palette=np.array([label.color for label in EVALUATED_LABELS], dtype=np.uint8),
        train_ids={label.label_id % 256: label.train_id for label in CITYSCAPES_LABELS},
    )


def find_cityscapes(root: DataPath, name: str = "cityscapes", *, test: bool = False) -> DatasetFiles:
    """Files of Cityscapes below `root`; the pool is `train`. Raises DatasetError where the layout is another.

    test: whether the split `test` is opened too. The published one has no labels to be judged by.
    """
    splits = ["train", "val", *(["test"] if test else [])]
    require_folders(root, [f"{kind}/{split}" for kind in ("leftImg8bit", "gtFine") for split in splits], LAYOUT)
    pool, validation, *rest = (_find_split(root, split) for split in splits)
    found = rest[0] if test else None
    return DatasetFiles.of(name, cityscapes_classes(), pool, validation, read_cityscapes_polygons, test=found)


def _find_split(root: DataPath, split: str) -> FoundFiles:
    """Files of one split, by image id."""
    images, annotation = root / "leftImg8bit" / split, root / "gtFine" / split
    found: dict[str, SampleFiles] = {}
    annotated = _by_city(annotation, LABELS_ENDING, POLYGONS_ENDING)
    for path in _by_city(images, IMAGE_ENDING).values():
        image_id = path.name.removesuffix(IMAGE_ENDING)
        if fault := name_fault(path.name):
            raise DatasetError(f"{path.name!r} in {path.parent} {fault}: rename it")
        if image_id in found:
            raise DatasetError(f"{found[image_id].image} and {path} are both image {image_id}: remove one")
        city = path.parent.name
        labels, polygons = (
            annotated.get((city, image_id + ending), annotation / city / (image_id + ending))
            for ending in (LABELS_ENDING, POLYGONS_ENDING)
        )
        found[image_id] = SampleFiles(path, labels, polygons)
    if not found:
        raise DatasetError(f"folder {images} holds no image: expected {LAYOUT}")
    known = {path for sample in found.values() for path in (sample.labels, sample.polygons)}
    files = sorted(annotated.values())
    orphans = (f"{path}: has no image in {images / path.parent.name}" for path in files if path not in known)
    return FoundFiles(found, tuple(orphans), frozenset(path for path in known if path is not None).difference(files))


def _by_city(folder: DataPath, *endings: str) -> dict[tuple[str, str], DataPath]:
    """Files in the folders of a folder, by folder and name, in that order."""
    cities = sorted(city for city in folder.iterdir() if city.is_dir())
    files = (path for city in cities for path in sorted(city.iterdir()) if path.name.endswith(endings))
    return {(path.parent.name, path.name): path for path in files}

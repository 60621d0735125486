"""CamVid in the layout of SegNet: 11 classes, label maps only.

Brostow, Fauqueur, Cipolla: Semantic object classes in video (2009); the split and the classes are those that
Badrinarayanan, Kendall and Cipolla published with SegNet (2017).
"""

from raymeta.datasets.class_list import consecutive_classes
from raymeta.datasets.data_paths import DataPath
from raymeta.datasets.file_dataset import DatasetFiles
from raymeta.datasets.sample_files import pair_files, require_folders

VOID = 11

CAMVID_COLORS: dict[str, tuple[int, int, int]] = {
    "sky": (128, 128, 128),
    "building": (128, 0, 0),
    "pole": (192, 192, 128),
    "road": (128, 64, 128),
    "pavement": (60, 40, 222),
    "tree": (128, 128, 0),
    "sign/symbol": (192, 128, 128),
    "fence": (64, 64, 128),
    "car": (64, 0, 128),
    "pedestrian": (64, 64, 0),
    "bicyclist": (0, 128, 192),
}
"""Colour of each class, in the order of the label values 0..10."""

LAYOUT = "train, trainannot, val and valannot: images (PNG or JPEG), and label PNGs of the same names"


def find_camvid(root: DataPath, *, test: bool = False) -> DatasetFiles:
    """Files of CamVid below `root`. Raises DatasetError where the layout is another.

    test: whether `test` and `testannot` are opened too.
    """
    splits = ["train", "val", *(["test"] if test else [])]
    require_folders(root, [split + kind for split in splits for kind in ("", "annot")], LAYOUT)
    pool, validation, *rest = (pair_files(root / split, root / f"{split}annot") for split in splits)
    classes = consecutive_classes(tuple(CAMVID_COLORS), list(CAMVID_COLORS.values()), void=(VOID,))
    return DatasetFiles.of("camvid", classes, pool, validation, test=rest[0] if test else None)

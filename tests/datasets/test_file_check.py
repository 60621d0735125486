"""Every fault of every file is named, and nothing raises."""

import json

import numpy as np
import pytest
from dataset_layouts import POLYGONS, picture, save, write_camvid, write_cityscapes

from raymeta.config import DatasetConfig
from raymeta.datasets.registry import open_dataset
from raymeta.datasets.sample import DatasetError


def test_all_faults_are_named(tmp_path):
    root = write_camvid(tmp_path, train=7)
    (root / "trainannot" / "train_0.png").unlink()
    (root / "train" / "train_1.png").write_bytes(b"rubbish")
    image = root / "train" / "train_2.png"
    image.write_bytes(image.read_bytes()[:300])
    save(root / "trainannot" / "train_3.png", np.zeros((5, 6)))
    save(root / "trainannot" / "train_4.png", np.tile(np.uint8([77, 88]), (12, 10)))
    save(root / "train" / "train_5.png", picture(height=24, width=40))
    save(root / "valannot" / "stray.png", np.zeros((12, 20)))
    dataset = open_dataset(DatasetConfig(kind="camvid", root=str(root)))
    assert (dataset.height, dataset.width) == (12, 20)
    faults = dataset.survey().faults
    expected = [
        ("valannot/stray.png", "no image"),
        ("trainannot/train_0.png", "missing"),
        ("train/train_1.png", "can't be read"),
        ("train/train_2.png", "truncated"),
        ("trainannot/train_3.png", "5×6"),
        ("trainannot/train_4.png", "77, 88"),
        ("trainannot/train_5.png", "its image has 24×40"),
    ]
    assert len(faults) == len(expected)
    for fault, (name, what) in zip(faults, expected, strict=True):
        assert name in fault
        assert what in fault


def test_reading_a_faulty_file_raises(tmp_path):
    root = write_camvid(tmp_path)
    save(root / "trainannot" / "train_0.png", np.full((12, 20), 99))
    save(root / "trainannot" / "train_1.png", np.zeros((5, 6)))
    dataset = open_dataset(DatasetConfig(kind="camvid", root=str(root)))
    with pytest.raises(DatasetError, match=r"train_0\.png: label values 99 .*0-11"):
        dataset.label_map("train_0")
    with pytest.raises(DatasetError, match=r"train_1\.png: label map of 5×6"):
        dataset.label_map("train_1")


def test_every_polygon_fault_is_named(tmp_path):
    root = write_cityscapes(tmp_path, train=8)
    faulty = [
        "{not json",
        json.dumps([1]),
        json.dumps(POLYGONS | {"objects": 3, "imgWidth": "20"}),
        json.dumps(POLYGONS | {"objects": [{"label": "dragon", "polygon": [[0, 0]] * 3}, {"polygon": []}, 5]}),
        json.dumps(POLYGONS | {"objects": [{"label": "car", "polygon": p} for p in ("x", [[1]], [[1, 2]], None)]}),
        json.dumps(POLYGONS | {"objects": [{"label": "car", "polygon": [[0, 0], [1, float("nan")], [2, 2]]}]}),
        json.dumps(POLYGONS | {"imgHeight": 99}),
    ]
    for index, content in enumerate(faulty):
        (root / f"gtFine/train/bonn/bonn_train_{index:06d}_gtFine_polygons.json").write_text(content)
    (root / "gtFine/train/bonn/bonn_train_000007_gtFine_polygons.json").unlink()
    faults = open_dataset(DatasetConfig(kind="cityscapes", root=str(root))).survey().faults
    per_file = [sum(f"bonn_train_{index:06d}" in fault for fault in faults) for index in range(8)]
    assert per_file == [1, 1, 2, 3, 4, 1, 1, 1]
    assert all("polygons" in fault for fault in faults)


def test_no_readable_image_at_all(tmp_path):
    root = write_camvid(tmp_path, train=2, val=1)
    for path in [*root.glob("train/*"), *root.glob("val/*")]:
        path.write_bytes(b"")
    dataset = open_dataset(DatasetConfig(kind="camvid", root=str(root)))
    assert len(dataset.survey().faults) == 3
    with pytest.raises(DatasetError, match="no image of the data set is readable"):
        _ = dataset.height

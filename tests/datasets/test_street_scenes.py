import hashlib
import json

import cv2
import numpy as np
import pytest

from raymeta.datasets.cityscapes import find_cityscapes
from raymeta.datasets.file_dataset import FileDataset
from raymeta.datasets.sample import DatasetError
from raymeta.datasets.street_scenes.dataset import write_street_scenes
from raymeta.datasets.street_scenes.layout import draw_scene

SMALL = {"train_images": 3, "validation_images": 2, "height": 40, "width": 72, "seed": 5}


def digests(root):
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_same_seed_same_files(tmp_path):
    steps = []
    write_street_scenes(tmp_path / "a", **SMALL, progress=lambda: steps.append(1))
    write_street_scenes(tmp_path / "b", **SMALL)
    assert len(steps) == 5
    assert len(digests(tmp_path / "a")) == 3 * 5 + 1
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    write_street_scenes(tmp_path / "c", **SMALL | {"seed": 6})
    assert not set(digests(tmp_path / "a").values()) & set(digests(tmp_path / "c").values())


def test_what_is_there_is_kept_and_what_is_missing_is_written(tmp_path):
    write_street_scenes(tmp_path, **SMALL)
    before = digests(tmp_path)
    files = sorted(tmp_path.rglob("*.png"))
    files[0].unlink()
    kept = files[1].stat().st_mtime_ns
    write_street_scenes(tmp_path, **SMALL)
    assert digests(tmp_path) == before
    assert files[1].stat().st_mtime_ns == kept


def test_other_parameters_are_refused(tmp_path):
    write_street_scenes(tmp_path, **SMALL)
    before = digests(tmp_path)
    with pytest.raises(DatasetError, match=r"other parameters.*seed 5.*seed 6.*remove"):
        write_street_scenes(tmp_path, **SMALL | {"seed": 6})
    assert digests(tmp_path) == before


def test_foreign_data_is_never_touched(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(DatasetError, match=r"other data \(thesis\.txt"):
        write_street_scenes(tmp_path, **SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(DatasetError, match="can't be written"):
        write_street_scenes(tmp_path / "thesis.txt", **SMALL)


@pytest.mark.parametrize(("key", "value"), [("height", 8), ("width", 0), ("train_images", 0), ("seed", -1)])
def test_senseless_numbers_are_refused(tmp_path, key, value):
    with pytest.raises(DatasetError, match=f"{key} {value}: choose at least"):
        write_street_scenes(tmp_path, **SMALL | {key: value})


def test_label_map_is_painted_from_the_polygons(tmp_path):
    write_street_scenes(tmp_path, **SMALL)
    dataset = FileDataset(find_cityscapes(tmp_path))
    assert dataset.survey().faults == []
    for image_id in dataset.pool_ids():
        painted = np.full((40, 72), 255, dtype=np.uint8)
        for polygon in dataset.polygons(image_id):
            cv2.fillPoly(painted, [polygon.points.astype(np.int32)], polygon.class_id)
        np.testing.assert_array_equal(painted, dataset.label_map(image_id))


@pytest.mark.parametrize(("height", "width"), [(32, 32), (40, 200), (120, 60), (96, 192)])
def test_any_size(height, width):
    for seed in range(5):
        scene = draw_scene(np.random.default_rng(seed), height, width)
        assert scene.image.shape == (height, width, 3)
        assert scene.label_ids.shape == (height, width)
        assert (scene.label_ids > 0).all()
        points = np.concatenate([points for _, points in scene.objects])
        assert points.min() >= 0
        assert (points.max(axis=0) < [width, height]).all()


def test_classes_are_many_and_some_are_rare():
    scenes = [draw_scene(np.random.default_rng([1, seed]), 96, 192) for seed in range(60)]
    labels = [{label for label, _ in scene.objects} for scene in scenes]
    share = {name: np.mean([name in present for present in labels]) for name in set().union(*labels)}
    assert min(share[name] for name in ("road", "sidewalk", "sky", "building", "vegetation", "car", "pole")) > 0.7
    assert {"person", "rider", "bicycle", "fence", "wall", "terrain", "traffic sign", "traffic light"} <= share.keys()
    rare = [name for name in ("truck", "bus", "train", "motorcycle") if 0 < share.get(name, 0) < 0.3]
    assert len(rare) >= 3


def test_full_size_polygons_look_annotated():
    scene = draw_scene(np.random.default_rng(2), 1024, 2048)
    vertices = sum(len(points) for _, points in scene.objects)
    assert 200 < vertices < 5000
    assert json.dumps([points.tolist() for _, points in scene.objects])

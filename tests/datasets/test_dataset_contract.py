"""One contract for every kind of data set."""

import pickle

import numpy as np
import pytest
from dataset_layouts import write_camvid, write_cityscapes, write_folder

from raymeta.config import DatasetConfig, ScenesConfig
from raymeta.datasets.registry import open_dataset
from raymeta.datasets.sample import DatasetError


def test_shapes_types_and_values(dataset):
    assert len(dataset.class_names) == dataset.num_classes == len(dataset.palette)
    assert dataset.palette.dtype == np.uint8
    for image_id in dataset.pool_ids() + dataset.validation_ids():
        image, label_map = dataset.image(image_id), dataset.label_map(image_id)
        assert image.shape == (dataset.height, dataset.width, 3)
        assert label_map.shape == (dataset.height, dataset.width)
        assert image.dtype == label_map.dtype == np.uint8
        assert set(np.unique(label_map)) <= {*range(dataset.num_classes), 255}


def test_ids_are_sorted_and_disjoint(dataset):
    pool, validation = dataset.pool_ids(), dataset.validation_ids()
    assert len(pool) >= 3
    assert len(validation) >= 1
    assert pool == sorted(pool, key=str.encode)
    assert not set(pool) & set(validation)


def test_faultless_set_has_no_faults_and_reports_progress(dataset):
    steps = []
    assert dataset.survey(lambda: steps.append(1)).faults == []
    assert len(steps) == len(dataset.pool_ids()) + len(dataset.validation_ids())


def test_polygons_or_a_clear_error(dataset):
    image_id = dataset.pool_ids()[0]
    if not dataset.has_polygons:
        with pytest.raises(DatasetError, match="has no polygons"):
            dataset.polygons(image_id)
        return
    polygons = dataset.polygons(image_id)
    assert polygons
    for polygon in polygons:
        assert polygon.class_id in {*range(dataset.num_classes), 255}
        assert polygon.points.dtype == np.float64
        assert polygon.points.shape[1] == 2


def test_resize_scales_everything(config):
    whole = open_dataset(config)
    half = open_dataset(config.model_copy(update={"height": whole.height // 2, "width": whole.width // 2}))
    image_id = whole.pool_ids()[0]
    assert (half.height, half.width) == (whole.height // 2, whole.width // 2)
    assert half.image(image_id).shape == (half.height, half.width, 3)
    assert half.label_map(image_id).shape == (half.height, half.width)
    assert set(np.unique(half.label_map(image_id))) <= set(np.unique(whole.label_map(image_id)))
    if whole.has_polygons:
        for small, large in zip(half.polygons(image_id), whole.polygons(image_id), strict=True):
            np.testing.assert_allclose(2 * small.points, large.points)
    assert half.survey().faults == []


def test_limits_choose_by_seed_and_evenly(config):
    limited = config.model_copy(update={"max_pool_images": 2, "max_validation_images": 1})
    chosen = {tuple(open_dataset(limited, seed).pool_ids()) for seed in range(20)}
    assert all(len(ids) == 2 and list(ids) == sorted(ids) for ids in chosen)
    assert len(chosen) > 1
    assert open_dataset(limited, 3).pool_ids() == open_dataset(limited, 3).pool_ids()
    assert len(open_dataset(limited).validation_ids()) == 1


def test_travels_to_other_processes(dataset):
    copy = pickle.loads(pickle.dumps(dataset))
    image_id = dataset.pool_ids()[0]
    np.testing.assert_array_equal(copy.image(image_id), dataset.image(image_id))


def test_unknown_image_is_named(dataset):
    with pytest.raises(DatasetError, match="'nowhere'"):
        dataset.image("nowhere")


@pytest.mark.parametrize("kind", ["camvid", "cityscapes", "folder", "street_scenes"])
def test_home_folder_is_expanded(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    writers = {"camvid": write_camvid, "cityscapes": write_cityscapes, "folder": write_folder}
    if kind in writers:
        writers[kind](tmp_path / "data")
    scenes = ScenesConfig(train_images=1, validation_images=1, height=32, width=32)
    assert open_dataset(DatasetConfig(kind=kind, root="~/data", scenes=scenes)).pool_ids()


@pytest.mark.parametrize("kind", ["camvid", "cityscapes", "folder"])
def test_missing_folder_names_it_and_the_layout(kind, tmp_path):
    root = tmp_path / "missing"
    with pytest.raises(DatasetError, match=f"{root} is missing.*<name>|{root} is missing.*(trainannot|leftImg8bit)"):
        open_dataset(DatasetConfig(kind=kind, root=str(root)))
    root.mkdir()
    with pytest.raises(DatasetError, match="is missing: expected"):
        open_dataset(DatasetConfig(kind=kind, root=str(root)))

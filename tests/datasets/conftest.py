"""A small, faultless data set of each kind."""

import pytest
from dataset_layouts import write_camvid, write_cityscapes, write_folder

from raymeta.config import DatasetConfig, ScenesConfig
from raymeta.datasets.registry import open_dataset

SCENES = ScenesConfig(train_images=3, validation_images=1, height=48, width=96, seed=1)


@pytest.fixture(params=["camvid", "cityscapes", "folder", "street_scenes"])
def config(request, tmp_path):
    """Config of a small, faultless data set of each kind."""
    writers = {"camvid": write_camvid, "cityscapes": write_cityscapes, "folder": write_folder}
    if request.param in writers:
        writers[request.param](tmp_path / "data")
    return DatasetConfig(kind=request.param, root=str(tmp_path / "data"), scenes=SCENES)


@pytest.fixture
def dataset(config):
    return open_dataset(config)

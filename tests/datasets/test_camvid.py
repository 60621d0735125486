import os

import numpy as np
import pytest
from dataset_layouts import write_camvid

from raymeta.config import DatasetConfig
from raymeta.datasets.registry import open_dataset


def test_void_is_ignored(tmp_path):
    dataset = open_dataset(DatasetConfig(kind="camvid", root=str(write_camvid(tmp_path, train=12))))
    assert dataset.num_classes == 11
    assert (dataset.label_map("train_10") == 10).all()
    assert (dataset.label_map("train_11") == 255).all()


@pytest.mark.camvid
@pytest.mark.skipif("RAYMETA_CAMVID" not in os.environ, reason="RAYMETA_CAMVID names no folder")
def test_real_camvid():
    dataset = open_dataset(DatasetConfig(kind="camvid", root=os.environ["RAYMETA_CAMVID"]))
    assert (len(dataset.pool_ids()), len(dataset.validation_ids())) == (367, 101)
    assert (dataset.height, dataset.width) == (360, 480)
    seen = np.unique(np.concatenate([np.unique(dataset.label_map(image_id)) for image_id in dataset.pool_ids()[::20]]))
    assert set(seen) == {*range(11), 255}
    assert dataset.survey().faults == []

import numpy as np
from PIL import Image

from raymeta.config import DatasetConfig
from raymeta.datasets.registry import open_dataset


def test_pool_and_validation_may_have_equal_file_names(tmp_path):
    for value, part in enumerate(("train", "val")):
        for folder in (part, f"{part}annot"):
            (tmp_path / folder).mkdir()
        Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(tmp_path / part / "0.png")
        Image.fromarray(np.full((8, 8), value, np.uint8)).save(tmp_path / f"{part}annot" / "0.png")
    dataset = open_dataset(DatasetConfig(kind="camvid", root=str(tmp_path)))
    assert dataset.pool_ids() == ["0"]
    assert dataset.validation_ids() == ["validation/0"]
    assert dataset.image("0").max() == 0
    assert dataset.label_map("validation/0").min() == 1
    assert dataset.survey().faults == []

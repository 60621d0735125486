"""A tiny data set in the layout of CamVid and its config, for tests of commands."""

import cv2
import numpy as np
import pytest
import yaml

SIDE = 32


@pytest.fixture
def camvid(tmp_path):
    """A tiny data set in CamVid's layout: 6 pool and 2 validation images."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 6), ("val", 2)):
        for folder in (part, f"{part}annot"):
            (tmp_path / "data" / folder).mkdir(parents=True)
        for index in range(count):
            image = rng.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
            labels = rng.integers(0, 11, (SIDE, SIDE), dtype=np.uint8)
            cv2.imwrite(str(tmp_path / f"data/{part}/{index}.png"), image)
            cv2.imwrite(str(tmp_path / f"data/{part}annot/{index}.png"), labels)
    return tmp_path


@pytest.fixture
def config(camvid):
    path = camvid / "config.yaml"
    values = {
        "run_dir": str(camvid / "run"),
        "dataset": {"kind": "camvid", "root": str(camvid / "data")},
        "acquisition": {
            "strategy": "metabox",
            "box_width": 8,
            "query_size": 4,
            "initial_images": 2,
            "meta_images": 2,
        },
    }
    path.write_text(yaml.safe_dump(values))
    return path

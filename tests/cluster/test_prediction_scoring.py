"""`raymeta select --on-ray` gives the boxes that threads of one process give."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from raymeta.cli import main
from raymeta.predictions.selection import select
from raymeta.predictions.selection_config import load_selection

pytestmark = pytest.mark.ray

CLASSES, HEIGHT, WIDTH = 4, 40, 56


def softmax(rng):
    """Patches of one class each, unsure at random."""
    patches = rng.integers(0, CLASSES, (HEIGHT // 8, WIDTH // 8)).repeat(8, 0).repeat(8, 1)
    values = rng.random((CLASSES, HEIGHT, WIDTH)) + 3 * (patches == np.arange(CLASSES)[:, None, None])
    return (values / values.sum(0)).astype(np.float32)


@pytest.fixture
def config(tmp_path):
    """Predictions of 40 pool images, more than a block holds, one of them unreadable; 3 meta images."""
    rng = np.random.default_rng(0)
    for part, count in (("pool", 40), ("meta", 3)):
        (tmp_path / part).mkdir()
        for number in range(count):
            np.save(tmp_path / part / f"{number:02d}.npy", softmax(rng))
    (tmp_path / "labels").mkdir()
    for number in range(3):
        labels = np.load(tmp_path / "meta" / f"{number:02d}.npy").argmax(0).astype(np.uint8)
        labels[:, number * 9 :: 11] = 0
        Image.fromarray(labels).save(tmp_path / "labels" / f"{number:02d}.png")
    (tmp_path / "pool/07.npy").write_bytes(b"no array")
    values = {
        "out_dir": str(tmp_path / "ray"),
        "strategy": "metabox_plus",
        "box_width": 12,
        "query_size": 25,
        "clicks_sample_images": 4,
        "meta": {"predictions": str(tmp_path / "meta"), "labels": str(tmp_path / "labels")},
        "pool": {"predictions": str(tmp_path / "pool")},
    }
    path = tmp_path / "select.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def test_ray_data_gives_the_same_boxes(config, tmp_path):
    assert main(["select", str(config), "--on-ray"]) == 0
    here = select(load_selection(config, [f"out_dir={tmp_path / 'here'}"]))
    assert here.query.num_rows == 25
    assert here.query.equals(pq.read_table(tmp_path / "ray/query.parquet"))
    told = [json.loads((tmp_path / place / "selection.json").read_text()) for place in ("ray", "here")]
    assert told[0] == told[1]
    assert list(told[0]["failed_images"]) == ["07"]

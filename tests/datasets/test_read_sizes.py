"""`dataset.max_side`: each image is shrunk by its longer side, in its own proportions."""

from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
import yaml
from dataset_layouts import save
from hypothesis import given
from hypothesis import strategies as st

from raymeta.config import ConfigError, DatasetConfig, parse_config
from raymeta.datasets.read_sizes import ReadSize
from raymeta.datasets.registry import open_dataset
from raymeta.first_config import first_config
from raymeta.labels.task_pictures import TaskPictures
from raymeta.labels.task_sets import Task
from raymeta.runs.query_sources import with_sources
from raymeta.schemas import QUERY_SCHEMA

SIZES = {"a": (30, 40), "b": (40, 30), "c": (12, 16), "d": (29, 41)}
READ = {"a": (15, 20), "b": (20, 15), "c": (12, 16), "d": (14, 20)}
"""At most 20 pixels: the first two by half, the third as it is, the last as near as whole pixels come."""


def write(root, sizes=SIZES):
    """Images of these sizes, (height, width) by name; the upper left quarter of their labels is another class."""
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        for name, (height, width) in sizes.items():
            save(root / f"images/{split}/{name}{split}.png", rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
            labels = np.zeros((height, width), np.uint8)
            labels[: height // 2, : width // 2] = 1
            save(root / f"labels/{split}/{name}{split}.png", labels)
    (root / "classes.yaml").write_text("classes: [road, car]\n")
    return root


def config_of(root, **more):
    return DatasetConfig(kind="folder", root=str(root), **more)


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(8, 2000))
def test_sides_keep_their_proportions_and_the_longer_one_its_bound(height, width, most):
    read = ReadSize(max_side=most).of(height, width)
    if max(height, width) <= most:
        assert read == (height, width)
        return
    assert 0.9 * most - 1 < max(read) <= most
    assert min(read) >= 1
    scale = Fraction(max(read), max(height, width))
    assert abs(min(read) - min(height, width) * scale) <= Fraction(1, 2) or min(read) == 1
    assert ReadSize(max_side=most).of(width, height) == read[::-1]


def test_common_photos_keep_their_proportions_exactly():
    for height, width in ((3000, 4000), (4000, 6000), (1080, 1920), (3024, 4032), (2160, 3840)):
        for most in (512, 683, 768, 910, 1024):
            read = ReadSize(max_side=most).of(height, width)
            assert read[0] * width == read[1] * height


def test_images_and_labels_are_read_in_their_own_proportions(tmp_path):
    dataset = open_dataset(config_of(write(tmp_path), max_side=20))
    for name, (height, width) in READ.items():
        image_id = f"{name}train"
        assert dataset.size(image_id) == (height, width)
        assert dataset.image(image_id).shape == (height, width, 3)
        assert dataset.label_map(image_id).shape == (height, width)
        source = dataset.source(image_id)
        assert (source.height, source.width) == SIZES[name]
        labelled = dataset.label_map(image_id)
        assert abs(int(labelled.sum()) - height * width / 4) <= height + width
    assert (dataset.height, dataset.width) == READ["a"]


def test_boxes_map_back_to_the_files(tmp_path):
    config = config_of(write(tmp_path), max_side=20)
    rest = {"score": 1.0, "estimated_clicks": 3, "unlabelled_pixels": 16}
    rows = [
        {"image_id": f"{name}train", "top": 2, "left": 4, "width": 6, "rank": rank, **rest}
        for rank, name in enumerate("abc", start=1)
    ]
    found = with_sources(pa.Table.from_pylist(rows, schema=QUERY_SCHEMA), open_dataset(config), config).to_pylist()
    sides = [[row[f"file_{side}"] for side in ("top", "left", "bottom", "right")] for row in found]
    assert sides == [[4, 8, 16, 20], [4, 8, 16, 20], [2, 4, 8, 10]]


def test_people_see_stored_pixels_where_both_sides_are_scaled_alike(tmp_path):
    pictures = TaskPictures(config_of(write(tmp_path), max_side=20), 0)
    scales = {name: pictures.scale(Task("t", "query-000", f"{name}train", 0, 0, 8, 8, 1)) for name in SIZES}
    assert scales == {"a": 0.5, "b": 0.5, "c": 1, "d": 1}
    assert pictures.size("atrain") == SIZES["a"]
    assert pictures.size("dtrain") == READ["d"]


def test_one_way_to_shrink_is_chosen(tmp_path):
    with pytest.raises(ConfigError, match="max_side"):
        parse_config(
            {"run_dir": "r", "dataset": {"kind": "folder", "root": "d", "height": 9, "width": 9, "max_side": 9}}
        )


def test_large_images_of_mixed_orientation_are_shrunk_by_label(tmp_path):
    write(tmp_path / "photos", {"a": (1200, 1600), "b": (1600, 1200), "c": (1200, 1600), "d": (600, 800)})
    config = parse_config(yaml.safe_load(first_config(str(tmp_path / "photos"), str(tmp_path / "run"))))
    dataset = open_dataset(config.dataset)
    sizes = [dataset.size(image_id) for image_id in dataset.pool_ids()]
    assert [min(size) for size in sizes] == [510, 510, 510, 510]  # 4:3 exactly, at most 512
    assert sizes[0] == sizes[1][::-1]
    assert config.acquisition.box_width == 510 // 11


def test_small_images_of_several_sizes_are_read_as_they_are(tmp_path):
    write(tmp_path / "photos")
    config = parse_config(yaml.safe_load(first_config(str(tmp_path / "photos"), str(tmp_path / "run"))))
    assert config.dataset.max_side is None

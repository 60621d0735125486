"""Every hostile file has its documented outcome: through the reader, and through `check`, which never raises."""

import contextlib
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from dataset_layouts import CLASSES, save, write_cityscapes, write_folder
from hostile_files import CLASS_LISTS, CORPUS, IMAGES, LABEL_MAPS, NAMES, POLYGON_FILES, outcome_table, path_of, write
from hypothesis import given, settings
from hypothesis import strategies as st

from raymeta.annotation.oracle import Oracle
from raymeta.config import ConfigError, DatasetConfig, load_config, parse_config
from raymeta.datasets.cityscapes_polygons import read_cityscapes_polygons
from raymeta.datasets.folder import read_class_list
from raymeta.datasets.image_files import canonical_name, read_image, read_label_map
from raymeta.datasets.registry import open_dataset
from raymeta.datasets.sample import DatasetError
from raymeta.safe_yaml import YamlError, load_yaml

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "reliability.md"


def ids(files):
    return [file.name for file in files]


def folder_dataset(root):
    return open_dataset(DatasetConfig(kind="folder", root=str(root)))


def assert_outcome(file, action, dataset_check=None):
    """The action's outcome is the documented one; `check` says the same and doesn't raise."""
    if file.outcome == "read":
        action()
    else:
        with pytest.raises(DatasetError, match=re.escape(file.outcome)) as caught:
            action()
        assert "\x1b" not in str(caught.value)
    if dataset_check is not None:
        faults = dataset_check()
        assert bool(faults) == (file.outcome != "read"), faults


@contextlib.contextmanager
def names_the_file(path):
    """The block may raise a DatasetError, which names the file, and nothing else."""
    message = str(path)
    with contextlib.suppress(DatasetError):
        try:
            yield
        except DatasetError as error:
            message = str(error)
            raise
    assert str(path) in message


def test_corpus_is_large_and_documented():
    assert len(CORPUS) >= 60
    assert len({(file.kind, file.name) for file in CORPUS}) == len(CORPUS)
    text = DOCUMENT.read_text()
    for line in outcome_table():
        assert line in text, f"write this line into {DOCUMENT.name}: {line}"


@pytest.mark.parametrize("file", IMAGES, ids=ids(IMAGES))
def test_image(tmp_path, file):
    root = write_folder(tmp_path, train=1)
    (root / "images/train/train0.jpg").unlink()
    path = write(root / "images/train/train0.png", file.make())
    if file.outcome == "read":
        height, width = read_image(path).shape[:2]
        save(root / "labels/train/train0.png", np.full((height, width), 10))
        if (height, width) == (1, 1):
            (root / "images/val/val0.jpg").unlink()
            write(root / "images/val/val0.png", file.make())
            save(root / "labels/val/val0.png", np.full((1, 1), 10))
    assert_outcome(file, lambda: folder_dataset(root).image("train0"), lambda: folder_dataset(root).survey().faults)
    if file.outcome == "read":
        assert read_image(path).dtype == np.uint8


@pytest.mark.parametrize("file", LABEL_MAPS, ids=ids(LABEL_MAPS))
def test_label_map(tmp_path, file):
    root = write_folder(tmp_path, train=1)
    write(root / "labels/train/train0.png", file.make())
    assert_outcome(file, lambda: folder_dataset(root).label_map("train0"), lambda: folder_dataset(root).survey().faults)
    if file.outcome == "read" and file.name != "void only":
        assert set(np.unique(read_label_map(root / "labels/train/train0.png"))) == {10}


@pytest.mark.parametrize("file", POLYGON_FILES, ids=ids(POLYGON_FILES))
def test_polygons(tmp_path, file):
    root = write_cityscapes(tmp_path, train=1)
    write(root / "gtFine/train/bonn/bonn_train_000000_gtFine_polygons.json", file.make())
    dataset = open_dataset(DatasetConfig(kind="cityscapes", root=str(root)))
    assert_outcome(file, lambda: dataset.polygons("bonn_train_000000"), lambda: dataset.survey().faults)
    if file.outcome == "read":
        Oracle(dataset).scene("bonn_train_000000").vertex_map()


@pytest.mark.parametrize("file", CLASS_LISTS, ids=ids(CLASS_LISTS))
def test_class_list(tmp_path, file):
    path = write(tmp_path / "classes.yaml", file.make())
    assert_outcome(file, lambda: read_class_list(path))


@pytest.mark.parametrize("file", NAMES, ids=ids(NAMES))
def test_file_name(tmp_path, file):
    root = write_folder(tmp_path)
    for part, label in (("images", False), ("labels", True)):
        name = file.make()
        if label and b"gru\xcc\x88n" in name:
            name = canonical_name(name.decode()).encode()
        pixels = np.full((12, 20), 10) if label else np.zeros((12, 20, 3))
        saved = save(root / "plain.png", pixels)
        saved.rename(path_of(root / part / "train", name))
    if file.outcome == "passed over":
        assert len(folder_dataset(root).pool_ids()) == 3
        return
    stem = os.fsdecode(file.make()).removesuffix(".png")
    assert_outcome(file, lambda: folder_dataset(root).label_map(stem))
    if file.outcome == "read":
        assert folder_dataset(root).survey().faults == []


def test_two_spellings_of_one_name_are_refused(tmp_path):
    root = write_folder(tmp_path)
    for name in ("gr\u00fcn.png", "gru\u0308n.png"):
        save(root / "images/train" / name, np.zeros((12, 20, 3)))
    with pytest.raises(DatasetError, match="share the name"):
        folder_dataset(root)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["pipe", "endless device"])
@pytest.mark.parametrize("read", [read_image, read_label_map, read_class_list, read_cityscapes_polygons])
def test_what_never_ends_is_no_file(tmp_path, read, kind):
    path = tmp_path / "a.png"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(DatasetError, match=f"{path}: .*regular file"):
        read(path)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.fixed_dictionaries(
    {},
    optional={
        "label": st.sampled_from(["car", "sky", "cargroup", "ego vehicle", "dragon"]) | JSON_VALUES,
        "polygon": st.lists(st.lists(st.floats() | st.integers(), min_size=1, max_size=3), max_size=6) | JSON_VALUES,
        "deleted": JSON_VALUES,
    },
)


@settings(max_examples=150, deadline=None)
@given(
    content=st.fixed_dictionaries(
        {}, optional={"imgHeight": JSON_VALUES, "imgWidth": JSON_VALUES, "objects": st.lists(OBJECTS) | JSON_VALUES}
    )
)
def test_any_json_gives_polygons_or_one_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz_polygons.json"
    path.write_text(json.dumps(content))
    with names_the_file(path):
        polygons, (height, width) = read_cityscapes_polygons(path)
        assert height >= 1
        assert width >= 1
        for polygon in polygons:
            assert polygon.points.shape[1] == 2
            assert len(polygon.points) >= 3
            assert np.isfinite(polygon.points).all()


@pytest.mark.parametrize("text", ["{a: &a {x: 1}, b: *a}", "{a: &a {x: 1}, b: {<<: *a, y: 3}}", "&a {<<: *a, x: 1}"])
def test_aliases_are_refused_by_their_line(text):
    with pytest.raises(YamlError, match=r"line 1: alias '\*a'"):
        load_yaml(text)


def test_an_anchor_that_nothing_refers_to_changes_nothing():
    assert load_yaml("{a: &a {x: 1}}") == {"a": {"x": 1}}


YAML_BITS = st.lists(
    st.sampled_from(
        [
            *"{}[]&*!|>%@`'\"#?-:,\n\t 01ax.~<=",
            "- ",
            ": ",
            "\n  ",
            "classes",
            "name",
            "value",
            "void",
            "0x",
            "1e9",
            "<<",
        ]
    )
    | st.characters(),
    max_size=40,
).map("".join)


@settings(max_examples=200, deadline=None)
@given(text=YAML_BITS)
def test_any_text_gives_plain_values_or_one_error(tmp_path_factory, text):
    with contextlib.suppress(YamlError):
        load_yaml(text)
    path = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    for read, error in ((read_class_list, DatasetError), (load_config, ConfigError)):
        with pytest.raises(error):
            read(path)


@settings(max_examples=150, deadline=None)
@given(
    overrides=st.lists(
        YAML_BITS | st.tuples(st.sampled_from(["seed", "dataset.root", "a..b", "."]), YAML_BITS).map("=".join)
    )
)
def test_any_overrides_give_a_config_or_one_error(tmp_path_factory, overrides):
    path = tmp_path_factory.getbasetemp() / "valid.yaml"
    path.write_text("run_dir: r\ndataset: {kind: camvid, root: d}\nacquisition: {strategy: random_box}\n")
    with contextlib.suppress(ConfigError):
        config = load_config(path, overrides)
        assert parse_config(config.model_dump()) == config


PNG_BYTES = IMAGES[0].make()
JPEG_BYTES = IMAGES[1].make()


@settings(max_examples=150, deadline=None)
@given(data=st.data(), start=st.sampled_from([PNG_BYTES, JPEG_BYTES]))
def test_any_damage_gives_pixels_or_one_error(tmp_path_factory, data, start):
    content = bytearray(start)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "fuzz.png"
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    for read in (read_image, read_label_map):
        with names_the_file(path):
            assert read(path).dtype == np.uint8


def test_class_list_of_the_tests_still_reads(tmp_path):
    assert read_class_list(write(tmp_path / "classes.yaml", CLASSES.encode())).names == ("ground", "thing")

"""A class list that changed between two starts of a run is told, and nothing goes on."""

import pytest
import yaml
from dataset_layouts import write_folder

from raymeta.cli import main
from raymeta.config import load_config
from raymeta.datasets.registry import open_dataset
from raymeta.runs.kept_classes import class_changes, keep_classes
from raymeta.runs.run_store import CLASSES, RunStore
from raymeta.runs.store_files import RunError

NAMES = ("road", "car")
VALUES = {0: 0, 7: 1, 255: 255}


@pytest.fixture
def store(tmp_path):
    kept = RunStore(str(tmp_path / "run"))
    keep_classes(kept, NAMES, VALUES)
    return kept


def test_the_same_classes_go_on(store):
    keep_classes(store, NAMES, dict(reversed(VALUES.items())))
    assert class_changes(store, NAMES, VALUES) == []


@pytest.mark.parametrize(
    ("names", "values", "lines"),
    [
        (
            (*NAMES, "bus"),
            {**VALUES, 9: 2},
            ["class 2: none → 'bus'", "value 9 of a label file: not in the list → 'bus'"],
        ),
        (NAMES[:1], {0: 0, 255: 255}, ["class 1: 'car' → none", "value 7 of a label file: 'car' → not in the list"]),
        (
            NAMES,
            {7: 0, 0: 1, 255: 255},
            ["value 0 of a label file: 'road' → 'car'", "value 7 of a label file: 'car' → 'road'"],
        ),
        (NAMES, {**VALUES, 7: 255}, ["value 7 of a label file: 'car' → void"]),
        (("road", "bus"), VALUES, ["class 1: 'car' → 'bus'", "value 7 of a label file: 'car' → 'bus'"]),
    ],
)
def test_each_difference_is_named(store, names, values, lines):
    assert class_changes(store, names, values) == lines
    with pytest.raises(RunError) as caught:
        keep_classes(store, names, values)
    assert all(line in str(caught.value) for line in lines)
    assert class_changes(store, NAMES, VALUES) == []  # what is kept stays


@pytest.mark.parametrize("text", ["{", "[1]", '{"names": 3}', '{"names": ["a"], "values": {"x": 1}}'])
def test_a_run_of_0_1_and_a_damaged_file_hinder_nothing(tmp_path, store, text):
    assert class_changes(RunStore(str(tmp_path / "old")), NAMES, VALUES) == []
    (tmp_path / "run" / CLASSES).write_text(text)
    assert class_changes(store, ("other",), {0: 0}) == []


def test_run_and_check_refuse_a_changed_class_list(tmp_path, capsys):
    write_folder(tmp_path / "data")
    acquisition = {"strategy": "random_box", "box_width": 4, "query_size": 1, "initial_images": 1}
    values = {"run_dir": str(tmp_path / "run"), "dataset": {"kind": "folder", "root": str(tmp_path / "data")}}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(values | {"acquisition": acquisition}))
    config = load_config(path)
    dataset = open_dataset(config.dataset, config.seed)
    RunStore(config.run_dir).create(config)
    keep_classes(RunStore(config.run_dir), dataset.class_names, dataset.class_values)
    classes = tmp_path / "data/classes.yaml"
    changed = yaml.safe_load(classes.read_text())
    changed["classes"].append({"name": "later", "value": 77})
    classes.write_text(yaml.safe_dump(changed))
    for command in (["check", str(path)], ["run", "--local", str(path)]):
        assert main(command) == 2
        assert "none → 'later'" in "".join(capsys.readouterr())

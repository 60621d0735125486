"""A query that the data set can't give is told before anything is encoded, trained or started."""

import numpy as np
import pytest
import yaml
from dataset_layouts import save, write_folder
from experiment_runner import LocalRunner
from tiny_settings import write_scenes

from raymeta.cli import main
from raymeta.config import load_config
from raymeta.datasets.registry import open_dataset
from raymeta.errors import InputError
from raymeta.loop.covering_start import CoveringStart
from raymeta.loop.experiment_split import experiment_split, run_split
from raymeta.loop.number_checks import check_numbers
from raymeta.runs.run_store import RunStore

SIDE = 16


@pytest.fixture
def covering(tmp_path, monkeypatch):
    """An experiment whose first images are chosen; finding them is a failure."""
    monkeypatch.setattr(CoveringStart, "__call__", lambda *_: pytest.fail("the first images are being chosen"))
    runner = LocalRunner(tmp_path, write_scenes(tmp_path / "scenes"))
    values = yaml.safe_load(runner.config.read_text())
    values["acquisition"]["initial_choice"] = "k_centre"
    runner.config.write_text(yaml.safe_dump(values))
    return runner


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("acquisition.query_size=100000", "query_size 100000"),
        ("acquisition.box_width=65", "box_width 65"),
        ("acquisition.initial_images=11", "nothing is left to query"),
        ("network.kind=nothing_of_that_name", "nothing_of_that_name"),
    ],
)
def test_it_is_told_before_the_covering_start(covering, override, words):
    begun = []
    config = load_config(covering.config, [override])
    with pytest.raises(InputError, match=words):
        run_split(config, RunStore(config.run_dir), open_dataset(config.dataset, config.seed), begun.append)
    assert not begun
    told = covering.raymeta("run", "--local", str(covering.config), override)
    assert told.returncode == 2
    assert words in told.stderr
    assert not covering.run_dir.exists()


@pytest.fixture
def mixed(tmp_path):
    """Images of two sizes, 10 of 16×16 and before them by name 2 of 40×40; the config of a run on them."""
    root = write_folder(tmp_path / "data", train=0, val=1)
    rng = np.random.default_rng(0)
    for index in range(12):
        side = 40 if index < 2 else SIDE
        name = f"{index:02d}"
        save(root / f"images/train/{name}.png", rng.integers(0, 256, (side, side, 3), dtype=np.uint8))
        labels = np.full((side, side), 10)
        labels[: side // 2] = 20
        save(root / f"labels/train/{name}.png", labels)
    path = tmp_path / "config.yaml"
    values = {
        "run_dir": str(tmp_path / "run"),
        "dataset": {"kind": "folder", "root": str(root)},
        "acquisition": {"strategy": "random_box", "box_width": 8, "query_size": 4, "initial_images": 2},
    }
    path.write_text(yaml.safe_dump(values))
    return path


def fault(path, *overrides):
    """What hinders a run with this config; None where nothing does."""
    config = load_config(path, list(overrides))
    dataset = open_dataset(config.dataset, config.seed)
    try:
        check_numbers(config, dataset, experiment_split(config, dataset))
    except InputError as error:
        return str(error)
    return None


def test_a_box_wider_than_most_images_is_told_though_the_first_one_holds_it(mixed, capsys):
    assert fault(mixed, "acquisition.box_width=16") is None
    told = fault(mixed, "acquisition.box_width=17")
    assert "box_width 17" in told
    assert "at most 16" in told
    assert main(["run", "--local", str(mixed), "acquisition.box_width=17"]) == 2
    assert "box_width 17" in capsys.readouterr().err


def test_few_small_images_are_left_out_as_unreadable_ones_are(mixed):
    assert fault(mixed, "acquisition.box_width=17", "dataset.max_failed_share=0.95") is None


def test_a_query_counts_what_images_of_each_size_hold(mixed):
    config = load_config(mixed)
    dataset = open_dataset(config.dataset, config.seed)
    sides = [dataset.size(image_id)[0] for image_id in experiment_split(config, dataset).unlabelled]
    held = sum((side // 8) ** 2 for side in sides)
    assert fault(mixed, f"acquisition.query_size={held}") is None
    assert f"at most {held}" in fault(mixed, f"acquisition.query_size={held + 1}")


def test_parts_are_asked_in_tiles_that_reach_over_the_edge(mixed):
    segments = ["acquisition.strategy=segments", "acquisition.box_width=12", "training.example_balance=0.5"]
    config = load_config(mixed, segments)
    dataset = open_dataset(config.dataset, config.seed)
    sides = [dataset.size(image_id)[0] for image_id in experiment_split(config, dataset).unlabelled]
    held = sum((-(-side // 12)) ** 2 for side in sides)
    assert fault(mixed, *segments, f"acquisition.query_size={held}") is None
    assert f"at most {held}" in fault(mixed, *segments, f"acquisition.query_size={held + 1}")

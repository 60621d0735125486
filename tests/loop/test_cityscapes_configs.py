"""The configs of the paper's Table 1 on a Cityscapes of its size: 2,975 + 500 frames, generated and small."""

import os
from pathlib import Path

import pytest
import torch

from raymeta.cli import main
from raymeta.config import STRATEGY_NAMES, load_config, run_configs
from raymeta.datasets.cityscapes import IMAGE_ENDING, LABELS_ENDING, POLYGONS_ENDING
from raymeta.datasets.registry import open_dataset
from raymeta.datasets.street_scenes.dataset import write_street_scenes
from raymeta.loop.config_facts import describe
from raymeta.loop.experiment_split import experiment_split
from raymeta.loop.number_checks import check_numbers
from raymeta.networks.architectures.deeplabv3plus import DeepLabV3Plus

CONFIGS = Path(__file__).parent.parent.parent / "configs"
FRAMES = {"train": 2975, "val": 500}
DRAWN = {"train": 24, "val": 6}
"""Different scenes; each stands for many frames, under hard links: drawing all of them takes minutes."""


@pytest.fixture(scope="module")
def cityscapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames of 256×256 pixels: room for four boxes of 128, so that a query of 6,400 fits the pool."""
    folder = tmp_path_factory.mktemp("cityscapes")
    write_street_scenes(folder / "drawn", DRAWN["train"], DRAWN["val"], 256, 256, 0)
    for split, count in FRAMES.items():
        scenes = sorted((folder / "drawn/leftImg8bit" / split).glob(f"*/*{IMAGE_ENDING}"))
        for number in range(count):
            scene = str(scenes[number % len(scenes)]).removesuffix(IMAGE_ENDING)
            city = folder / "data" / "{}" / split / f"city{number % 18:02d}"
            for kind, ending in (
                ("leftImg8bit", IMAGE_ENDING), ("gtFine", LABELS_ENDING), ("gtFine", POLYGONS_ENDING),
            ):  # fmt: skip
                target = Path(str(city).format(kind)) / f"{city.name}_{number:06d}_000019{ending}"
                target.parent.mkdir(parents=True, exist_ok=True)
                os.link(scene.replace("leftImg8bit", kind) + ending, target)
    return folder / "data"


@pytest.mark.slow
@pytest.mark.parametrize("network", ["fcn8", "deeplab"])
@pytest.mark.parametrize("strategy", STRATEGY_NAMES)
def test_numbers_fit(cityscapes, network, strategy):
    """What `check` does beside reading every file again."""
    study = load_config(CONFIGS / f"studies/cityscapes_{network}.yaml", [f"dataset.root={cityscapes}"])
    config = next(run for run in run_configs(study) if run.acquisition.strategy == strategy)
    dataset = open_dataset(config.dataset, config.seed)
    split = experiment_split(config, dataset)
    check_numbers(config, dataset, split)
    assert (len(split.pool), len(split.validation)) == (2975, 500)
    assert len(split.initial) == (2975 if strategy == "full_set" else 50)
    assert len(split.meta) == (30 if strategy.startswith("metabox") else 0)
    told = "\n".join(describe(config, dataset, split))
    assert told.startswith("cityscapes: 2975 pool and 500 validation images of 256×256 pixels, 19 classes")
    assert ("initially labelled: 50 images (1.7 % of the pool)" in told) == (strategy != "full_set")
    assert ("meta set: 30 images (1.0 %)" in told) == strategy.startswith("metabox")


@pytest.mark.slow
def test_check_takes_start_weights_that_fit(tmp_path, capsys):
    torch.save(DeepLabV3Plus(19).state_dict(), tmp_path / "weights.pth")
    assert check_small(tmp_path) == 0
    shown = capsys.readouterr().out
    assert "4 pool and 1 validation images of 64×64 pixels, 19 classes" in shown
    assert "all readable" in shown


@pytest.mark.parametrize(
    ("text", "message"), [(None, "don't exist: correct network.weights"), (b"no weights", "can't be read")]
)
def test_check_names_start_weights_that_do_not_fit(tmp_path, capsys, text, message):
    if text is not None:
        (tmp_path / "weights.pth").write_bytes(text)
    assert check_small(tmp_path) == 2
    shown = capsys.readouterr().out
    assert message in shown
    assert "1 fault found" in shown


def check_small(folder):
    """`raymeta check` of DeepLab's config with start weights in `folder`, on few small frames."""
    write_street_scenes(folder / "data", 4, 1, 64, 64, 0)
    overrides = [f"dataset.root={folder / 'data'}", f"network.weights={folder / 'weights.pth'}"]
    numbers = ["box_width=16", "query_size=4", "initial_images=1", "meta_images=1"]
    overrides += [f"run_dir={folder}/run", *(f"acquisition.{number}" for number in numbers)]
    return main(["check", str(CONFIGS / "cityscapes_deeplab.yaml"), *overrides])

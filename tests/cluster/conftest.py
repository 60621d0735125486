"""Small experiments on generated scenes, run by the real command in its own process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

SMALL = {
    "seed": 0,
    "iterations": 2,
    "dataset": {
        "kind": "street_scenes",
        "scenes": {"train_images": 14, "validation_images": 3, "height": 64, "width": 96, "seed": 0},
    },
    "acquisition": {
        "strategy": "metabox_plus",
        "box_width": 16,
        "query_size": 20,
        "initial_images": 3,
        "meta_images": 3,
        "clicks_sample_images": 4,
    },
    "network": {"width_multiplier": 0.0625, "batch_norm": True},
    "training": {
        "learning_rate": 0.002,
        "batch_size": 2,
        "max_epochs": 3,
        "steps_per_epoch": 3,
        "threads_per_worker": 1,
    },
    "scoring": {"threads_per_actor": 1},
}


def environment(home: Path) -> dict[str, str]:
    """Environment of a child: its own HOME, since Ray may write a token there, and no cluster named."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return kept | {"HOME": str(home), "RAY_AUTH_MODE": "disabled", "COLUMNS": "200"}


class Runner:
    """Runs `raymeta run` on the small experiment in a folder of its own."""

    def __init__(self, folder: Path, scenes: Path) -> None:
        self.folder = folder
        self.scenes = scenes
        self.config = folder / "config.yaml"
        values = SMALL | {"run_dir": str(folder / "run")}
        values["dataset"] = SMALL["dataset"] | {"root": str(scenes)}
        self.config.write_text(yaml.safe_dump(values))

    @property
    def run_dir(self) -> Path:
        return self.folder / "run"

    def command(self, *overrides: str) -> list[str]:
        return [sys.executable, "-m", "raymeta", "run", str(self.config), *overrides]

    def start(self, *overrides: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*overrides),
            env=environment(self.folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def raymeta(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Any other command, to its end."""
        command = [sys.executable, "-m", "raymeta", *arguments]
        return subprocess.run(command, env=environment(self.folder), capture_output=True, text=True, timeout=400)

    def run(self, *overrides: str) -> str:
        process = self.start(*overrides)
        output, _ = process.communicate(timeout=400)
        assert process.returncode == 0, output
        return output


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from raymeta.datasets.street_scenes import write_street_scenes

    root = tmp_path_factory.mktemp("scenes") / "scenes"
    numbers = SMALL["dataset"]["scenes"]
    write_street_scenes(
        root,
        numbers["train_images"],
        numbers["validation_images"],
        numbers["height"],
        numbers["width"],
        numbers["seed"],
    )
    return root


@pytest.fixture
def runner(tmp_path: Path, scenes: Path) -> Runner:
    return Runner(tmp_path, scenes)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, scenes: Path) -> Runner:
    """The run that every disturbed one must equal."""
    runner = Runner(tmp_path_factory.mktemp("undisturbed"), scenes)
    runner.output = runner.run()  # type: ignore[attr-defined]
    return runner

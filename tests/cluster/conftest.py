"""The small experiment on Ray, and the same without it."""

from pathlib import Path

import pytest
from experiment_runner import LocalRunner, Runner
from tiny_settings import write_scenes


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenes(tmp_path_factory.mktemp("scenes") / "scenes")


@pytest.fixture
def runner(tmp_path: Path, scenes: Path) -> Runner:
    return Runner(tmp_path, scenes)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, scenes: Path) -> Runner:
    """The run without Ray that every one on Ray, disturbed or not, must equal."""
    runner = LocalRunner(tmp_path_factory.mktemp("undisturbed"), scenes)
    runner.run()
    return runner

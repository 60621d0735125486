"""The small experiment, run without Ray in this process."""

from pathlib import Path

import pytest
from experiment_runner import LocalRunner
from tiny_settings import write_scenes


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenes(tmp_path_factory.mktemp("scenes") / "scenes")


@pytest.fixture
def runner(tmp_path: Path, scenes: Path) -> LocalRunner:
    return LocalRunner(tmp_path, scenes)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, scenes: Path) -> LocalRunner:
    """The run that every disturbed one must equal; only read."""
    runner = LocalRunner(tmp_path_factory.mktemp("undisturbed"), scenes)
    runner.run()
    return runner

"""The small experiment on Ray, and the same without it, which every one on Ray must equal."""

from pathlib import Path

import pytest
from experiment_runner import Runner
from small_experiment import scenes, undisturbed

__all__ = ["runner", "scenes", "undisturbed"]


@pytest.fixture
def runner(tmp_path: Path, scenes: Path) -> Runner:
    return Runner(tmp_path, scenes)

"""The small experiment, run without Ray in this process."""

from small_experiment import runner, scenes, undisturbed

__all__ = ["runner", "scenes", "undisturbed"]

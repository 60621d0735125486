"""Asks plain_driver.py to run tiny experiments."""

import json
import subprocess
import sys
from pathlib import Path

from tiny_experiment import TinyRun, child_environment

SCRIPT = Path(__file__).parent / "plain_driver.py"


class PlainRunner:
    """One process that has imported everything, and forks a child for each run."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=child_environment(Path.home()),
        )

    def run(self, run: TinyRun, *overrides: str, kill_at: int = 0, mode: str = "") -> int:
        """Exit status of a run; negative: the signal that ended it. It dies at its `kill_at`-th write."""
        order = {"config": str(run.config), "overrides": overrides, "log": str(run.folder / "log.txt")}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order | {"kill_at": kill_at, "mode": mode}) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self) -> None:
        self.process.communicate(timeout=60)

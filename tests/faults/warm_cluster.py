"""A Ray cluster that stays while drivers die on it, and these drivers: forks of one process, so each costs little."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from tiny_experiment import TinyRun
from tiny_settings import child_environment

SCRIPT = Path(__file__).parent / "warm_driver.py"
SETTINGS = {
    "RAY_AUTH_MODE": "disabled",
    # A node that was killed is noticed after 10 seconds instead of half a minute.
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_failure_threshold": "10",
    # Workers of the tests' own drivers, not of a guest who must leave the machine to others.
    "RAY_worker_niceness": "0",
}


class WarmProcess:
    """One driver; the part of subprocess.Popen that tests use."""

    def __init__(self, starter: "DriverStarter", pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._starter = starter

    def poll(self) -> int | None:
        return self._wait(0.0)

    def wait(self, timeout: float = 300.0) -> int:
        code = self._wait(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("raymeta run", timeout)
        return code

    def _wait(self, seconds: float) -> int | None:
        if self.returncode is None:
            self.returncode = self._starter.ask({"wait": self.pid, "seconds": seconds})
        return self.returncode


class DriverStarter:
    """Asks warm_driver.py for drivers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=child_environment(Path.home()),
        )

    def ask(self, order: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate(timeout=60)


class WarmRun(TinyRun):
    """The tiny experiment on a cluster that is there already."""

    def __init__(
        self, folder: Path, scenes: Path, starter: DriverStarter, address: str, run_dir: str | None = None
    ) -> None:
        super().__init__(folder, scenes, run_dir)
        self._starter = starter
        self.address = address

    def start(self, *arguments: str, die_after: int = 0) -> WarmProcess:  # type: ignore[override]
        """Start a driver. die_after: it kills itself right after so many commits."""
        environment = child_environment(self.folder) | {"RAY_ADDRESS": self.address}
        order = {"run": [str(self.config), *arguments], "environment": environment, "die_after": die_after}
        return WarmProcess(self._starter, self._starter.ask(order | {"output": str(self.folder / "output.txt")}))


class WarmCluster:
    """A head node with enough logical CPUs for a run whose predecessor's processes are still ending."""

    def __init__(self, head_cpus: int = 8) -> None:
        from raymeta.cluster.connection import quiet_environment

        quiet_environment()
        os.environ.update(SETTINGS)
        self.nodes = _started({"num_cpus": head_cpus, "include_dashboard": False})
        self.address: str = self.nodes.address

    def close(self) -> None:
        self.nodes.shutdown()


def _started(head: dict[str, Any], attempts: int = 3) -> Any:
    """A cluster with that head. Ray gives up on a node after 30 seconds, which a busy machine may need."""
    from ray.cluster_utils import Cluster

    for attempt in range(1, attempts + 1):
        try:
            return Cluster(initialize_head=True, head_node_args=head)
        except Exception as error:  # Ray raises no narrower one
            if attempt == attempts or "timed out during startup" not in str(error):
                raise
    raise AssertionError

"""One experiment in a process of its own: a failure stays in it, and it never outlives the process that started it."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

import raymeta
from raymeta.config import ExperimentConfig, parse_config
from raymeta.errors import EXIT_INTERRUPTED, end_of, end_process
from raymeta.locations import hide_secrets

STOP_S: Final = 40.0
"""Seconds that an experiment gets to end after Ctrl-C; its committed stages are safe whatever it does with them."""
KEPT_LINES: Final = 12


class ExperimentProcess:
    """Runs `run_experiment` in a child; `lines` holds the last of what it printed, where that is relayed.

    on_line: gets each printed line; None lets the child write to this process's terminal, with its progress bar.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        address: str | None,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        pipe = None if on_line is None else subprocess.PIPE
        self._process = subprocess.Popen(
            [sys.executable, "-m", "raymeta.cluster.experiment_process"],
            stdin=subprocess.PIPE,
            stdout=pipe,
            stderr=None if on_line is None else subprocess.STDOUT,
            text=True,
            env=os.environ | {"PYTHONPATH": _with_this_package(os.environ.get("PYTHONPATH"))},
        )
        # The pipe stays open: its end tells the child that this process is gone, however it went.
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"address": address, "config": config.model_dump()}) + "\n")
        self._process.stdin.flush()
        self._reader = threading.Thread(target=self._relay, args=(on_line,), daemon=True)
        self._reader.start()

    def _relay(self, on_line: Callable[[str], None] | None) -> None:
        for line in self._process.stdout or ():
            self.lines.append(line.rstrip())
            if on_line is not None:
                on_line(line.rstrip())

    def poll(self) -> int | None:
        """Exit code, None while it runs; those of the `raymeta` command."""
        return self._process.poll()

    def wait(self) -> int:
        """Wait for the end; gives the exit code."""
        code = self._process.wait()
        self._reader.join(timeout=STOP_S)
        return code

    def stop(self) -> None:
        """End it as Ctrl-C does, and if that takes too long by force."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(timeout=STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def _with_this_package(path: str | None) -> str:
    """PYTHONPATH under which a child imports this copy of the package, wherever it starts."""
    here = str(Path(raymeta.__file__).resolve().parent.parent)
    return here if not path else f"{here}{os.pathsep}{path}"


def main() -> int:
    """The child: what to run comes as one line on standard input."""
    values = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from rich.console import Console

    from raymeta.cluster.experiment import run_experiment

    try:
        run_experiment(parse_config(values["config"]), values["address"], Console())
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:
        code, text = end_of(error)
        print(hide_secrets(text), file=sys.stderr, flush=True)
        return code
    return 0


def _end_with_parent() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    end_process(main())

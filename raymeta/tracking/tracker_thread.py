"""One tracker and the thread that talks to it: the run never waits for an answer."""

import json
import queue
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from raymeta.config import TrackerConfig
from raymeta.locations import hide_secrets
from raymeta.runs.store_files import StoreFiles
from raymeta.tracking.tracker import End, StepKind, TrackedRun, Tracker, open_tracker

FOLDER: Final = "trackers"
"""Folder in the run's where each tracker's note lies: its own run, and how many iterations it was told of."""


class Numbers(NamedTuple):
    """Numbers by name, at an iteration or an epoch."""

    values: Mapping[str, float]
    kind: StepKind
    step: int


class Closing(NamedTuple):
    """The run ended."""

    end: End


class TrackerThread:
    """Tells one tracker; what it can't be told now it is told with the next iteration, or by the next start."""

    def __init__(self, config: TrackerConfig, run: TrackedRun, files: StoreFiles, say: Callable[[str], None]) -> None:
        self._config, self._run, self._files, self._say = config, run, files, say
        self._queue: queue.SimpleQueue[Numbers | Closing] = queue.SimpleQueue()
        self._tracker: Tracker | None = None
        self._iterations: list[Numbers] = []
        self._run_id, self._told = _read_note(files, config.kind)
        self._fault: str | None = None
        self._gone = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"tracker-{config.kind}", daemon=True)
        self._thread.start()

    def put(self, message: Numbers | Closing) -> None:
        """Have it told; never waits. Iterations come in order, from the first."""
        self._queue.put(message)

    def join(self, seconds: float) -> None:
        """Wait until all is told, but so long at most; then it is left to itself."""
        self._thread.join(seconds)
        if self._thread.is_alive():
            self._gone.set()
            self._say(f"{self._config.kind} didn't take everything within {seconds:g} s; the next start sends the rest")

    def _work(self) -> None:
        while not self._gone.is_set():
            message = self._queue.get()
            try:
                self._handle(message)
            except Exception as error:  # trackers raise whatever their packages do, and none may end the run
                self._lose(error)
            if isinstance(message, Closing):
                return

    def _handle(self, message: Numbers | Closing) -> None:
        if isinstance(message, Closing):
            self._send_iterations()
            if self._tracker is not None:
                self._tracker.close(message.end)
        elif message.kind == "iteration":
            self._iterations.append(message)
            self._send_iterations()
        elif self._fault is None:  # while it is away, the curve of epochs has a gap
            self._opened().log(*message)

    def _send_iterations(self) -> None:
        while self._told < len(self._iterations) and not self._gone.is_set():
            tracker = self._opened()
            tracker.log(*self._iterations[self._told])
            self._told += 1
            self._keep_note()

    def _opened(self) -> Tracker:
        if self._tracker is None:
            self._tracker = open_tracker(self._config, self._run, self._run_id)
            if self._tracker.run_id != self._run_id:  # another place, or its run was deleted: all of it again
                self._run_id, self._told = self._tracker.run_id, 0
                self._keep_note()
            if self._fault is not None:
                self._say(f"{self._config.kind} is there again")
                self._fault = None
        return self._tracker

    def _lose(self, error: Exception) -> None:
        self._tracker = None
        fault = hide_secrets((str(error).strip().splitlines() or [type(error).__name__])[0])
        if fault != self._fault:
            self._fault = fault
            self._say(f"{self._config.kind} can't be reached, the run goes on without it: {fault}")

    def _keep_note(self) -> None:
        if not self._gone.is_set():
            note = {"run_id": self._run_id, "iterations": self._told}
            self._files.write(f"{FOLDER}/{self._config.kind}.json", (json.dumps(note) + "\n").encode())


def _read_note(files: StoreFiles, kind: str) -> tuple[str | None, int]:
    """The tracker's run, and how many iterations it was told of; nothing of either where no sound note is kept."""
    try:
        note: dict[str, Any] = json.loads(files.read(f"{FOLDER}/{kind}.json") or b"{}")
        return str(note["run_id"]), int(note["iterations"])
    except (ValueError, TypeError, KeyError):
        return None, 0

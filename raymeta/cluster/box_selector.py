"""The central actor that keeps the best boxes of the whole pool, and the scorers' side of it."""

import pickle
import threading
import uuid
from typing import Any

import pyarrow as pa
import ray

from raymeta.acquisition.policies.registry import CandidateMerge
from raymeta.cluster.selector_job import SelectorJob


class BoxSelector:
    """Merges the candidates of all scorers in the memory of those that are wanted, one selection after another.

    A restarted actor has lost what it was sent: each answer carries an `incarnation`, so that the caller
    sends the images again whose rows went to another one.
    """

    def __init__(self) -> None:
        """Begin with no selection."""
        self._number = -1
        self._merge: CandidateMerge | None = None
        self._incarnation = ""

    def add(self, number: int, merge: bytes, candidates: pa.Table) -> tuple[float, str]:
        """Take rows; returns the cut-off (rows strictly below it are never chosen) and the incarnation.

        number, merge: see `SelectorJob`. Rows of a selection that is over change nothing.
        """
        current = self._begun(number, merge)
        if current is None:
            return 0.0, ""
        current.add(candidates)
        return current.cutoff(), self._incarnation

    def result(self, number: int, merge: bytes) -> tuple[pa.Table, str]:
        """The candidates that are wanted, best first, and the incarnation that holds it."""
        current = self._begun(number, merge)
        if current is None:
            raise ValueError(f"selection {number} is over")
        return current.result(), self._incarnation

    def _begun(self, number: int, merge: bytes) -> CandidateMerge | None:
        """The merge of a selection, which begins by its first call; None where a later one has begun."""
        if number > self._number:
            self._number, self._merge = number, pickle.loads(merge)  # ours, from the driver
            self._incarnation = uuid.uuid4().hex
        return self._merge if number == self._number else None


def start_selector() -> Any:
    """Start a selector actor; its calls are short, so it takes a small share of a CPU."""
    options = {"num_cpus": 0.01, "max_restarts": -1, "max_task_retries": -1}
    return ray.remote(BoxSelector).options(**options).remote()


class SelectorLink:
    """One scorer's connection to a selection: it sends rows without waiting for the answer.

    `cutoff` is the highest that has come back. All cut-offs of a selection are lower bounds of its last one, also those
    of an incarnation that was lost, since the rows behind them are sent again; so an old one is safe, only less sharp.
    """

    def __init__(self, job: SelectorJob) -> None:
        self._job = job
        self._unanswered: list[Any] = []
        self._cutoff = 0.0
        self._lock = threading.Lock()

    def send(self, candidates: pa.Table) -> Any:
        """Send rows; what is returned is for `incarnation`."""
        answer = self._job.add(candidates)
        with self._lock:
            self._unanswered.append(answer)
        return answer

    def cutoff(self) -> float:
        """The newest known lower bound of the cut-off, at least 0; never waits."""
        with self._lock:
            if self._unanswered:
                ready, self._unanswered = ray.wait(
                    self._unanswered, num_returns=len(self._unanswered), timeout=0, fetch_local=True
                )
                self._cutoff = max([self._cutoff, *(cutoff for cutoff, _ in ray.get(ready))])
            return self._cutoff

    @staticmethod
    def incarnation(answer: Any) -> str:
        """Wait for the selector's answer: which incarnation has taken the rows."""
        return str(ray.get(answer)[1])

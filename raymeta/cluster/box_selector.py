"""The central actor that keeps the best boxes of the whole pool, and the scorers' side of it."""

import threading
import uuid
from typing import Any

import pyarrow as pa
import ray

from raymeta.acquisition.policies.registry import CandidateMerge


class BoxSelector:
    """Merges the candidates of all scorers in the memory of those that are wanted.

    A restarted actor has lost what it was sent: each answer carries an `incarnation`, so that the caller
    sends the images again whose rows went to another one.
    """

    def __init__(self, merge: CandidateMerge) -> None:
        """merge: an empty one."""
        self._merge = merge
        self._incarnation = uuid.uuid4().hex

    def add(self, candidates: pa.Table) -> tuple[float, str]:
        """Take rows; returns the cut-off (rows strictly below it are never chosen) and the incarnation."""
        self._merge.add(candidates)
        return self._merge.cutoff(), self._incarnation

    def result(self) -> tuple[pa.Table, str]:
        """The candidates that are wanted, best first, and the incarnation that holds it."""
        return self._merge.result(), self._incarnation


def start_selector(merge: CandidateMerge) -> Any:
    """Start a selector actor with an empty merge; its calls are short, so it takes a small share of a CPU."""
    options = {"num_cpus": 0.01, "max_restarts": -1, "max_task_retries": -1}
    return ray.remote(BoxSelector).options(**options).remote(merge)


class SelectorLink:
    """One scorer's connection to a selector: it sends rows without waiting for the answer.

    `cutoff` is the highest that has come back. All cut-offs of a selector are lower bounds of its last one, also those
    of an incarnation that was lost, since the rows behind them are sent again; so an old one is safe, only less sharp.
    """

    def __init__(self, selector: Any) -> None:
        self._selector = selector
        self._unanswered: list[Any] = []
        self._cutoff = 0.0
        self._lock = threading.Lock()

    def send(self, candidates: pa.Table) -> Any:
        """Send rows; what is returned is for `incarnation`."""
        answer = self._selector.add.remote(candidates)
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

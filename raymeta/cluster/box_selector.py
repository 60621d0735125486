"""The central actor that keeps the best boxes of the whole pool."""

import uuid
from typing import Any

import pyarrow as pa
import ray

from raymeta.acquisition.box_selection import BoxMerge


class BoxSelector:
    """Merges the candidates of all scorers in O(query_size) memory.

    A restarted actor has lost what it was sent: each answer carries an `incarnation`, so that the caller
    sends the images again whose rows went to another one.
    """

    def __init__(self, query_size: int) -> None:
        self._query_size = query_size
        self._merge = BoxMerge(query_size)
        self._incarnation = uuid.uuid4().hex

    def add(self, candidates: pa.Table) -> tuple[float, str]:
        """Take rows; returns the cut-off (rows strictly below it are never chosen) and the incarnation."""
        self._merge.add(candidates)
        return self._merge.cutoff(), self._incarnation

    def result(self) -> tuple[pa.Table, str]:
        """The query, best first, and the incarnation that holds it."""
        return self._merge.result(), self._incarnation


def start_selector(query_size: int) -> Any:
    """Start a selector actor; its calls are short, so it takes a small share of a CPU."""
    options = {"num_cpus": 0.01, "max_restarts": -1, "max_task_retries": -1}
    return ray.remote(BoxSelector).options(**options).remote(query_size)

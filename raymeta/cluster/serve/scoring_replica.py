"""The Serve deployment that scores: one process with a network, and a thread that looks for new iterations."""

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from ray import serve

from raymeta.service.scoring.scoring_request import ReplicaStatus, ScoringAnswer, ScoringRequest
from raymeta.service.settings import ServiceSettings

SCORING: Final = "ScoringReplica"
WORKERS: Final = 2
"""Threads that answer: while one image is in the network, another's segments and boxes are worked out."""

logger = logging.getLogger("raymeta.service")


class ScoringReplica:
    """Answers with whatever iteration is live when the request comes.

    Raises:
        RunError, DatasetError: no run, or its data set is not there.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        import ray
        import torch

        from raymeta.service.scoring.request_scorer import RequestScorer

        _set_threads(settings.threads)
        device = torch.device("cuda" if ray.get_gpu_ids() and torch.cuda.is_available() else "cpu")
        logging.getLogger("raymeta").addHandler(logging.StreamHandler())
        logging.getLogger("raymeta").setLevel(logging.INFO)
        self._scorer = RequestScorer(settings, device, serve.get_replica_context().replica_id.unique_id)
        self._workers = ThreadPoolExecutor(WORKERS, initializer=_set_threads, initargs=(settings.threads,))
        self._stopped = threading.Event()
        self._watcher = threading.Thread(target=self._watch, args=(settings.poll_s,), name="watch-run", daemon=True)
        self._watcher.start()

    async def score(self, request: ScoringRequest) -> ScoringAnswer:
        """Answer one request on a worker thread."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, self._scorer.answer, request)

    async def status(self) -> ReplicaStatus:
        """What this replica serves."""
        return self._scorer.status()

    def __del__(self) -> None:
        """End the watcher with the replica."""
        if hasattr(self, "_stopped"):
            self._stopped.set()

    def _watch(self, poll_s: float) -> None:
        _set_threads(1)  # a new network loads and warms up beside the requests, not in their place
        while not self._stopped.wait(poll_s):
            try:
                self._scorer.cache.refresh()
            except (OSError, ValueError) as error:
                logger.warning("the run folder can't be looked at: %s", error)


def _set_threads(threads: int) -> None:
    """Ray hands processes on, and torch keeps a count for each thread: set it wherever work begins."""
    import cv2
    import torch

    torch.set_num_threads(threads)
    cv2.setNumThreads(1)

"""Where training jobs wait for the long-lived Ray Train workers, and results for the driver."""

import asyncio
from typing import Any

import ray

from raymeta.cluster.worker_failures import WorkerFailure
from raymeta.loop.workers import TrainedNetwork, TrainingJob, TrainingProgress


class TrainingMailbox:
    """Hands each job to all workers of a group; a group that restarts gets the unfinished job again.

    Jobs are numbered from 0. Rank 0 alone delivers: states after epochs, progress, and the result. Any rank may tell
    of an error of its own, which ends the training.
    """

    def __init__(self) -> None:
        self._jobs: list[TrainingJob | None] = []
        self._results: dict[int, TrainedNetwork | None] = {}
        self._failure: WorkerFailure | None = None
        self._places: dict[int, str] = {}
        self._progress: TrainingProgress | None = None
        self._state: tuple[int, int, bytes] | None = None  # job, epoch, state
        self._arrivals = 0
        self._changed = asyncio.Condition()

    async def submit(self, job: TrainingJob | None) -> int:
        """Queue a job, None to send the workers home; returns its number."""
        async with self._changed:
            self._jobs.append(job)
            self._state = None
            self._progress = None
            self._changed.notify_all()
            return len(self._jobs) - 1

    async def next_job(self, last: int) -> tuple[int, TrainingJob | None, bytes | None]:
        """Wait for the first unfinished job after number `last`; with it comes the newest state to resume from."""

        def ready() -> bool:
            return max(len(self._results), last + 1) < len(self._jobs)

        async with self._changed:
            await self._changed.wait_for(ready)
            number = max(len(self._results), last + 1)
            job = self._jobs[number]
            known = self._state[2] if self._state and self._state[0] == number else None
            return number, job, known or (job.resume if job else None)

    async def arrive(self, rank: int, place: str) -> WorkerFailure | None:
        """A worker runs, at this place; those of a group that started again come again. Gives `failure`."""
        self._places[rank] = place
        return self._failure

    async def places(self) -> dict[int, str]:
        """Where each rank ran last."""
        return self._places

    async def fail(self, failure: WorkerFailure) -> None:
        """A rank tells of its own error; a second one, which may follow from the first, changes nothing."""
        async with self._changed:
            self._failure = self._failure or failure
            self._changed.notify_all()

    async def failure(self) -> WorkerFailure | None:
        """A rank's own error."""
        return self._failure

    async def report(self, progress: TrainingProgress) -> None:
        """Rank 0 tells how far it is."""
        self._progress = progress

    async def keep_state(self, number: int, epoch: int, state: bytes) -> None:
        """Rank 0 leaves the state after an epoch; calls may overtake each other, an older state changes nothing."""
        if self._state is None or (number, epoch) > self._state[:2]:
            self._state = (number, epoch, state)

    async def progress(self) -> TrainingProgress | None:
        """What rank 0 told last, or nothing."""
        return self._progress

    async def state(self, number: int, newer_than: int) -> tuple[int, bytes] | None:
        """Epoch and newest state of a job; None unless there is one of a later epoch than `newer_than`."""
        if self._state is None or self._state[0] != number or self._state[1] <= newer_than:
            return None
        return self._state[1], self._state[2]

    async def finish(self, number: int, result: TrainedNetwork) -> None:
        """Rank 0 delivers a network; a second delivery changes nothing."""
        async with self._changed:
            self._results.setdefault(number, result)
            self._changed.notify_all()

    async def result(self, number: int, timeout: float) -> TrainedNetwork | WorkerFailure | None:
        """The result of a job, or why there will be none; None when neither is there after `timeout` seconds."""

        def ready() -> bool:
            return number in self._results or self._failure is not None

        async with self._changed:
            try:
                await asyncio.wait_for(self._changed.wait_for(ready), timeout)
            except TimeoutError:
                return None
            if number not in self._results:
                return self._failure
            result = self._results[number]
            self._results[number] = None  # the driver has it: weights needn't stay in memory
            return result


def start_mailbox() -> Any:
    """Start a mailbox actor; it costs no CPU slot, since it only waits."""
    return ray.remote(TrainingMailbox).options(num_cpus=0, max_concurrency=1000).remote()

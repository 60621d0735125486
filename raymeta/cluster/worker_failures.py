"""Why a worker failed: its own error, which would come again, or the loss of a peer or machine."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from raymeta.errors import GOES_ON, InputError, RunFailedError

LOST_TRANSPORT: Final = ("gloo/transport/", "ncclRemoteError", "ncclSystemError")
"""What torch's backends write where a peer is gone; gloo says it in a plain RuntimeError."""


@dataclass(frozen=True)
class WorkerFailure:
    """A worker's own error, as a value: what Ray makes of exceptions on their way names neither kind nor cause.

    kind: input, where what it was given can't be used; run, where the error tells how to go on; else program.
    """

    kind: Literal["input", "run", "program"]
    text: str

    @classmethod
    def of(cls, error: Exception) -> "WorkerFailure":
        """What to tell of an error that was raised in this process."""
        if isinstance(error, RunFailedError):
            return cls("run", str(error))
        if isinstance(error, InputError):
            return cls("input", str(error))
        text = f"a worker failed: {type(error).__name__}: {last_line(error)}"
        if type(error).__name__ == "OutOfMemoryError" or isinstance(error, MemoryError):
            text += "; lower training.batch_size, or raise training.accumulation_steps"
        return cls("program", f"{text}\n{worker_place()} has its traceback; {GOES_ON}")

    def error(self) -> InputError | RunFailedError:
        """The error to raise in the driver."""
        return InputError(self.text) if self.kind == "input" else RunFailedError(self.text)


def is_lost_peer(error: BaseException) -> bool:
    """Whether the end of another rank, a machine or Ray's own process explains an error.

    Other errors of the same rank are its own, also RuntimeErrors: shapes that don't fit, memory that runs out.
    """
    import torch.distributed as dist
    from ray.exceptions import RayError

    if isinstance(error, (RayError, dist.DistNetworkError, dist.DistStoreError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in LOST_TRANSPORT)


def worker_place() -> str:
    """Which worker this process is, and where its log lies: for messages."""
    import ray

    log = Path("/proc/self/fd/2")
    where = f"worker of process {os.getpid()} on {ray.util.get_node_ip_address()}"
    return f"{where}, log {log.resolve()}" if log.exists() and log.resolve().is_file() else where


def last_line(error: BaseException) -> str:
    """The last line that says something: what comes before is a traceback or an explanation."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def why_it_ended(error: BaseException | None, places: Mapping[int, str]) -> str:
    """Reason of the end of Ray Train: each lost worker with its log, or the last line of what Ray says.

    places: where each rank ran last.
    """
    failures = getattr(error, "worker_failures", None)
    if not failures:
        return "it gave no reason" if error is None else f"{type(error).__name__}: {last_line(error)}"
    lost = {rank: failure for rank, failure in failures.items() if _is_loss(failure)} or failures
    return "; ".join(
        f"rank {rank} ({places.get(rank, 'it never came up')}): {last_line(failure)}"
        for rank, failure in sorted(lost.items())
    )


def _is_loss(error: BaseException) -> bool:
    from ray.exceptions import RayError

    return isinstance(error, RayError)

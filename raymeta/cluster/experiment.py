"""An experiment on Ray: the loop, with workers of a cluster.

Ray is imported once there is something to do: a run that is over is told to be so in a second.
"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from rich.console import Console

from raymeta.cluster.background_start import BackgroundStart
from raymeta.config import ExperimentConfig
from raymeta.errors import GOES_ON, RunFailedError
from raymeta.loop import iterations

if TYPE_CHECKING:
    from raymeta.cluster.network_trainer import NetworkTrainer
    from raymeta.cluster.pool_scorer import PoolScorer


def run_experiment(config: ExperimentConfig, address: str | None = None, console: Console | None = None) -> None:
    """Run an experiment on Ray, or resume it where it stopped.

    Args:
        config: one strategy, one seed.
        address: Ray cluster; None takes RAY_ADDRESS, else a local Ray.
        console: for progress; None makes one.

    Raises:
        ValueError: data, numbers or run folder don't fit; the message names the value and the remedy.
        RunFailedError: processes of the cluster were lost for good.
    """
    workers = RayWorkers(address)
    try:
        iterations.run_experiment(config, workers, console, workers.begin)
    finally:
        workers.close()


class RayWorkers:
    """Starts the workers of one experiment: beside what the run prepares, where it has much to prepare."""

    def __init__(self, address: str | None) -> None:
        """address: see `run_experiment`."""
        self._address = address
        self._begun: BackgroundStart[tuple[NetworkTrainer, PoolScorer]] | None = None

    def begin(self, config: ExperimentConfig) -> None:
        """Start them in the background; what goes wrong is told once they are asked for."""
        _exit_at_sigterm()
        self._begun = BackgroundStart(self._warm(config))

    @contextmanager
    def __call__(self, config: ExperimentConfig) -> "Iterator[tuple[NetworkTrainer, PoolScorer]]":
        """The workers; they end with the block."""
        with _lost_processes():
            if self._begun is None:
                with self._connected(config) as started:
                    yield started
                return
            try:
                yield self._begun.value()
            finally:
                self._begun.close()

    @contextmanager
    def _warm(self, config: ExperimentConfig) -> "Iterator[tuple[NetworkTrainer, PoolScorer]]":
        with self._connected(config) as (trainer, scorer):
            scorer.warm_up()
            yield trainer, scorer

    @contextmanager
    def _connected(self, config: ExperimentConfig) -> "Iterator[tuple[NetworkTrainer, PoolScorer]]":
        from raymeta.cluster.connection import ray_connection

        with ray_connection(self._address), _ray_workers(config) as started:
            yield started

    def close(self) -> None:
        """End what was begun and that nobody came to ask for: what stopped the run is told, not how this ends."""
        if self._begun is not None:
            with suppress(Exception):
                self._begun.close()


def _exit_at_sigterm() -> None:
    """End as Ray makes a process end at SIGTERM; Ray does so only where the main thread starts it."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(number))


@contextmanager
def _lost_processes() -> Iterator[None]:
    """Tell plainly of a Ray process whose loss Ray couldn't make good."""
    from ray.exceptions import RayError, RayTaskError

    try:
        yield
    except RayError as error:
        if isinstance(error, RayTaskError) and not isinstance(error.cause, RayError):
            raise  # our own error, in a worker
        raise RunFailedError(f"a process of Ray was lost: {str(error).strip().splitlines()[0]}\n{GOES_ON}") from error


@contextmanager
def _ray_workers(config: ExperimentConfig) -> "Iterator[tuple[NetworkTrainer, PoolScorer]]":
    """Workers that stay over the whole experiment; they start side by side."""
    from raymeta.cluster.cluster_places import check_places
    from raymeta.cluster.gpu_shares import gpu_shares
    from raymeta.cluster.network_trainer import NetworkTrainer
    from raymeta.cluster.pool_scorer import PoolScorer

    with ExitStack() as stack:
        shares = gpu_shares(config)
        check_places(config, shares)
        trainer = NetworkTrainer(config, shares.training)
        stack.callback(trainer.close)
        if shares.ordered:
            trainer.wait_for_workers()
        scorer = PoolScorer(config, shares.scoring)
        stack.callback(scorer.close)
        yield trainer, scorer


@contextmanager
def ray_scorer(config: ExperimentConfig, address: str | None = None) -> "Iterator[PoolScorer]":
    """Scoring actors alone, on Ray."""
    from raymeta.cluster.connection import ray_connection
    from raymeta.cluster.pool_scorer import PoolScorer

    with ray_connection(address), _lost_processes():
        scorer = PoolScorer(config)
        try:
            yield scorer
        finally:
            scorer.close()

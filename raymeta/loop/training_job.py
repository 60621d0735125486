"""One iteration's training as a trainer does it, in whatever process."""

import io
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from raymeta.config import ExperimentConfig
from raymeta.errors import RunFailedError
from raymeta.loop.workers import TrainedNetwork, TrainingJob
from raymeta.networks.registry import build_network
from raymeta.training.communicator import Communicator, SingleProcess
from raymeta.training.network_training import train_network
from raymeta.training.training_set import ExampleCache, LabelledExamples
from raymeta.training.training_state import EpochRecord, TrainingState

PROGRESS_S = 0.3
"""Progress is told no more often than this."""


class TrainingFailedError(RunFailedError):
    """A network can't be trained; the message tells why."""


class TrainingReporter:
    """Tells how far a training is, and hands its state on after each epoch.

    on_state: gets the epoch and a state's bytes. An epoch that took less time than handing on its state is passed
    over, so that no more than about one epoch is ever done twice, and little time goes into saving it.
    """

    def __init__(
        self, max_epochs: int, on_progress: Callable[[dict[str, Any]], None], on_state: Callable[[int, bytes], None]
    ) -> None:
        self._on_progress, self._on_state = on_progress, on_state
        self._fields: dict[str, Any] = {"epoch": 0, "max_epochs": max_epochs, "validation_miou": None}
        self._last_report = 0.0
        self._state_seconds = 0.0
        self._state_sent = time.monotonic()

    def step(self, done: int, total: int) -> None:
        """A step of the current epoch is done."""
        now = time.monotonic()
        if now - self._last_report > PROGRESS_S or done == total:
            self._last_report = now
            self._on_progress(self._fields | {"step": done, "steps": total})

    def epoch(self, record: EpochRecord, state: TrainingState) -> None:
        """An epoch is done."""
        self._fields |= {"epoch": record.epoch, "validation_miou": record.validation_miou}
        self._on_progress(dict(self._fields))
        start = time.monotonic()
        if start - self._state_sent >= self._state_seconds:
            self._on_state(record.epoch, state.to_bytes())
            self._state_sent = time.monotonic()
            self._state_seconds = self._state_sent - start


def run_training_job(
    job: TrainingJob,
    config: ExperimentConfig,
    cache: ExampleCache,
    device: torch.device | str = "cpu",
    communicator: Communicator | None = None,
    reporter: TrainingReporter | None = None,
) -> TrainedNetwork:
    """Train one network from its start weights; all ranks call this alike.

    Raises:
        TrainingFailedError: no labelled, or no validation image is readable.
        ValueError: data, state or numbers that can't be trained with.
    """
    examples = LabelledExamples(cache, job.labels, job.validation_ids)
    if not examples.num_train or not examples.num_validation:
        raise TrainingFailedError(f"no readable labelled or validation image: {examples.faults}")
    seed = config.seed + 1000 * job.iteration
    state = train_network(
        build_network(config.network, cache.dataset.num_classes, seed).to(device),
        examples,
        config.training,
        seed=seed,
        device=device,
        communicator=communicator or SingleProcess(),
        on_epoch=reporter.epoch if reporter else None,
        on_step=reporter.step if reporter else None,
        resume=job.resume,
    )
    buffer = io.BytesIO()
    torch.save(state.best_weights, buffer)
    return TrainedNetwork(
        network=buffer.getvalue(),
        history=[asdict(record) for record in state.history],
        confusion=np.asarray(state.best_confusion).tolist(),
        best_epoch=state.best_epoch,
        miou=state.best_miou,
        faults=examples.faults,
    )

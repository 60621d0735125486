"""One iteration's training as a trainer does it, in whatever process."""

import io
import time
from collections.abc import Callable
from dataclasses import asdict, replace

import numpy as np
import torch

from raymeta.config import ExperimentConfig
from raymeta.errors import GOES_ON, RunFailedError
from raymeta.loop.failed_images import check_failed_share
from raymeta.loop.kept_features import ExampleFeatures, KeptFeatures
from raymeta.loop.workers import TrainedNetwork, TrainingJob, TrainingProgress
from raymeta.networks.registry import build_network
from raymeta.training.communicator import Communicator, SingleProcess
from raymeta.training.determinism import training_seed
from raymeta.training.network_training import TrainingDivergedError, train_network
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
        self, max_epochs: int, on_progress: Callable[[TrainingProgress], None], on_state: Callable[[int, bytes], None]
    ) -> None:
        self._on_progress, self._on_state = on_progress, on_state
        self._progress = TrainingProgress(0, max_epochs)
        self._last_report = 0.0
        self._state_seconds = 0.0
        self._state_sent = time.monotonic()

    def step(self, epochs: int, done: int, total: int) -> None:
        """A step of the current epoch is done; the first call says after how many epochs the training began."""
        if self._progress.steps == 0:
            self._progress = replace(self._progress, epoch=epochs, first_epoch=epochs, steps=total)
        now = time.monotonic()
        if now - self._last_report > PROGRESS_S or done == total:
            self._last_report = now
            self._on_progress(replace(self._progress, step=done, steps=total))

    def epoch(self, record: EpochRecord, state: TrainingState) -> None:
        """An epoch is done."""
        self._progress = replace(self._progress, epoch=record.epoch, validation_miou=record.validation_miou)
        self._on_progress(self._progress)
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
    kept_features: KeptFeatures | None = None,
) -> TrainedNetwork:
    """Train one network from its start weights; all ranks call this alike.

    Raises:
        TrainingFailedError: no labelled, or no validation image is readable, or the network's numbers became infinite.
        TooManyFailedImagesError: more than `dataset.max_failed_share` of either can't be read.
        DatasetUnreachableError: the data set's storage didn't come back in time.
        ValueError: data, state or numbers that can't be trained with.
    """
    communicator = communicator or SingleProcess()
    examples = _readable_examples(job, config, cache, communicator)
    seed = training_seed(config.seed, job.iteration)
    network = build_network(config.network, cache.dataset.num_classes, seed).to(device)
    features = ExampleFeatures(examples, kept_features.of_network(network)) if kept_features else None
    try:
        state = train_network(
            network,
            examples,
            config.training,
            seed=seed,
            device=device,
            communicator=communicator,
            on_epoch=reporter.epoch if reporter else None,
            on_step=reporter.step if reporter else None,
            resume=job.resume,
            features=features,
        )
    except TrainingDivergedError as error:
        raise TrainingFailedError(f"iteration {job.iteration}: {error}, in a new run_dir") from error
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


def _readable_examples(
    job: TrainingJob, config: ExperimentConfig, cache: ExampleCache, communicator: Communicator
) -> LabelledExamples:
    """The images that all ranks can read, where these are enough."""
    examples = LabelledExamples(cache, job.labels, job.validation_ids, communicator)
    for faults, readable, what in (
        (examples.train_faults, examples.num_train, "labelled images"),
        (examples.validation_faults, examples.num_validation, "validation images"),
    ):
        check_failed_share(faults, len(faults) + readable, config.dataset.max_failed_share, what)
        if not readable:
            raise TrainingFailedError(f"iteration {job.iteration}: no readable {what}: {faults}; {GOES_ON}")
    return examples

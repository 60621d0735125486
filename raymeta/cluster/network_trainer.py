"""Ray Train behind one call: workers are started once and train every iteration of an experiment."""

import tempfile
import threading
import time
from collections.abc import Callable
from typing import cast

import ray

from raymeta.cluster.training_mailbox import start_mailbox
from raymeta.cluster.training_worker import training_loop
from raymeta.cluster.worker_failures import WorkerFailure, why_it_ended
from raymeta.config import ExperimentConfig
from raymeta.errors import GOES_ON
from raymeta.loop.training_job import TrainingFailedError
from raymeta.loop.workers import TrainedNetwork, TrainingJob, TrainingProgress

MAX_WORKER_FAILURES = 5
POLL_S = 0.25
CLOSE_S = 30.0
FAILED_CLOSE_S = 3.0


class NetworkTrainer:
    """One TorchTrainer.fit() for the whole experiment.

    A fit costs 15-28 s before any work, so its workers stay and take jobs from a mailbox. A worker that dies is
    replaced by Ray Train; the new group asks the mailbox again and goes on from the last state it was left.
    """

    def __init__(self, config: ExperimentConfig, gpu_share: float) -> None:
        """gpu_share: of a GPU, for each worker; 0 where they train on CPUs. See `gpu_shares`."""
        self.config = config
        self._gpu_share = gpu_share
        self._mailbox = start_mailbox()
        self._error: BaseException | None = None
        self._failed = False
        self._storage = tempfile.TemporaryDirectory(prefix="raymeta-train-")
        self._thread = threading.Thread(target=self._fit, name="ray-train", daemon=True)
        self._thread.start()

    def _fit(self) -> None:
        try:
            self._fit_here()
        except BaseException as error:  # the thread's only way to tell: wait() raises it in the caller
            self._error = error

    def _fit_here(self) -> None:
        from ray.train import FailureConfig, RunConfig, ScalingConfig
        from ray.train.torch import TorchTrainer

        training = self.config.training
        use_gpu = self._gpu_share > 0
        resources = {"GPU": self._gpu_share} if use_gpu else {"CPU": 1.0}
        trainer = TorchTrainer(
            training_loop,
            train_loop_config={"config": self.config.model_dump(), "mailbox": self._mailbox, "use_gpu": use_gpu},
            scaling_config=ScalingConfig(num_workers=training.workers, use_gpu=use_gpu, resources_per_worker=resources),
            run_config=RunConfig(
                name="training",
                # Nothing is reported as a checkpoint: states lie with the mailbox, the networks in the run folder.
                storage_path=self._storage.name,
                failure_config=FailureConfig(max_failures=MAX_WORKER_FAILURES),
            ),
        )
        trainer.fit()

    def wait_for_workers(self) -> None:
        """Return once all workers run, and so have their places.

        Raises:
            RunFailedError: Ray Train ended before, or a worker failed.
            InputError: a worker can't use what it was given.
        """
        while len(ray.get(self._mailbox.places.remote())) < self.config.training.workers:
            self._raise_failure(ray.get(self._mailbox.failure.remote()))
            if not self._thread.is_alive():
                raise TrainingFailedError(self._ended("before its workers ran"))
            time.sleep(POLL_S)

    def _ended(self, when: str) -> str:
        """What stops the run, and which worker's log tells more."""
        reason = why_it_ended(self._error, ray.get(self._mailbox.places.remote()))
        return f"Ray Train ended {when}: {reason}\n{GOES_ON}"

    def _raise_failure(self, failure: WorkerFailure | None) -> None:
        """Raise a worker's own error, as it was told."""
        if failure is None:
            return
        self._failed = True
        raise failure.error()

    def train(
        self, job: TrainingJob, *, on_progress: Callable[[TrainingProgress], None], on_state: Callable[[bytes], None]
    ) -> TrainedNetwork:
        """See `Trainer.train`.

        Raises:
            RunFailedError: Ray Train ended, or a worker failed.
            InputError: a worker can't use what it was given.
        """
        number = ray.get(self._mailbox.submit.remote(job))
        epoch = 0
        while (result := ray.get(self._mailbox.result.remote(number, POLL_S))) is None:
            if not self._thread.is_alive():
                raise TrainingFailedError(self._ended(f"while it trained iteration {job.iteration}"))
            self._tell(on_progress)
            # Asked for by its own epoch: progress may tell of an epoch whose state is still on its way.
            if (newer := ray.get(self._mailbox.state.remote(number, epoch))) is not None:
                epoch, state = newer
                on_state(state)
        if isinstance(result, WorkerFailure):
            self._raise_failure(result)
        self._tell(on_progress)  # the last epoch ended since the last look
        return cast(TrainedNetwork, result)

    def _tell(self, on_progress: Callable[[TrainingProgress], None]) -> None:
        """Hand on what rank 0 reported last."""
        if (progress := ray.get(self._mailbox.progress.remote())) is not None:
            on_progress(progress)

    def close(self) -> None:
        """Send the workers home and wait for them."""
        ray.get(self._mailbox.submit.remote(None))
        # After a worker's own error Ray Train is starting the group again, for nothing.
        self._thread.join(timeout=FAILED_CLOSE_S if self._failed else CLOSE_S)
        if not self._thread.is_alive():  # else it sends the new group home
            ray.kill(self._mailbox)
        self._storage.cleanup()

"""Ray Train behind one call: workers are started once and train every iteration of an experiment."""

import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

import ray

from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.cluster.training_desk import TrainingJob, start_desk
from raymeta.cluster.training_worker import training_loop
from raymeta.config import ExperimentConfig
from raymeta.experiment.run_errors import GOES_ON, RunFailedError

MAX_WORKER_FAILURES = 5
POLL_S = 0.25


class TrainingFailedError(RunFailedError):
    """Ray Train gave up; the message holds its reason."""


class NetworkTrainer:
    """One TorchTrainer.fit() for the whole experiment.

    A fit costs 15-28 s before any work, so its workers stay and take jobs from a desk. A worker that dies is
    replaced by Ray Train; the new group asks the desk again and goes on from the last state it was left.
    """

    def __init__(self, config: ExperimentConfig, gpu_share: float) -> None:
        """gpu_share: of a GPU, for each worker; 0 where they train on CPUs. See `gpu_shares`."""
        self.config = config
        self._gpu_share = gpu_share
        self._desk = start_desk()
        self._error: BaseException | None = None
        self._storage = tempfile.TemporaryDirectory(prefix="raymeta-train-")
        self._thread = threading.Thread(target=self._fit, name="ray-train", daemon=True)
        self._thread.start()

    def _fit(self) -> None:
        from ray.train import FailureConfig, RunConfig, ScalingConfig
        from ray.train.torch import TorchTrainer

        training = self.config.training
        use_gpu = self._gpu_share > 0
        resources = {"GPU": self._gpu_share} if use_gpu else {"CPU": 1.0}
        trainer = TorchTrainer(
            training_loop,
            train_loop_config={"config": self.config.model_dump(), "desk": self._desk, "use_gpu": use_gpu},
            scaling_config=ScalingConfig(num_workers=training.workers, use_gpu=use_gpu, resources_per_worker=resources),
            run_config=RunConfig(
                name="training",
                # Nothing is reported as a checkpoint: states lie with the desk, the networks in the run folder.
                storage_path=self._storage.name,
                failure_config=FailureConfig(max_failures=MAX_WORKER_FAILURES),
            ),
        )
        try:
            trainer.fit()
        except BaseException as error:  # the thread's only way to tell: wait() raises it in the caller
            self._error = error

    def wait_for_workers(self) -> None:
        """Return once all workers run, and so have their places.

        Raises:
            TrainingFailedError: Ray Train ended before.
        """
        while ray.get(self._desk.arrivals.remote()) < self.config.training.workers:
            if not self._thread.is_alive():
                raise TrainingFailedError(self._ended("before its workers ran"))
            time.sleep(POLL_S)

    def _ended(self, when: str) -> str:
        """What stops the run; of Ray's reasons the first line, the others explain at length what may be."""
        reason = (str(self._error).strip().splitlines() or ["it gave no reason"])[0]
        return f"Ray Train ended {when}: {reason}\n{GOES_ON}"

    def train(
        self,
        iteration: int,
        regions: LabelledRegions,
        validation_ids: tuple[str, ...],
        *,
        resume: bytes | None = None,
        on_progress: Callable[[dict[str, Any]], None] | None = None,
        on_state: Callable[[bytes], None] | None = None,
    ) -> dict[str, Any]:
        """Train one iteration's network; see `train_job` for the result.

        on_progress: gets epoch, step and validation mIoU a few times a second.
        on_state: gets the newest state, whenever there is a newer one, to store it.

        Raises:
            TrainingFailedError: Ray Train ended, or no image was readable.
        """
        job = TrainingJob(iteration, regions, validation_ids, resume)
        number = ray.get(self._desk.submit.remote(job))
        epoch = 0
        while (result := ray.get(self._desk.result.remote(number, POLL_S))) is None:
            if not self._thread.is_alive():
                raise TrainingFailedError(self._ended(f"while it trained iteration {iteration}"))
            progress = ray.get(self._desk.progress.remote())
            if on_progress and progress:
                on_progress(progress)
            # Asked for by its own epoch: progress may tell of an epoch whose state is still on its way.
            if on_state and (newer := ray.get(self._desk.state.remote(number, epoch))) is not None:
                epoch, state = newer
                on_state(state)
        if "error" in result:
            raise TrainingFailedError(result["error"])
        return result

    def close(self) -> None:
        """Send the workers home and wait for them."""
        ray.get(self._desk.submit.remote(None))
        self._thread.join(timeout=30)
        ray.kill(self._desk)
        self._storage.cleanup()

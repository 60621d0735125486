"""What a Ray Train worker does: stay, and train one iteration's network after another."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray


class DistributedCommunicator:
    """Sums integer arrays over the ranks of torch.distributed."""

    def __init__(self, device: Any) -> None:
        import torch.distributed as dist

        self.device = device
        self.rank = dist.get_rank() if dist.is_initialized() else 0
        self.world_size = dist.get_world_size() if dist.is_initialized() else 1

    def sum_array(self, values: NDArray[Any]) -> NDArray[Any]:
        """All-reduced sum, same shape and dtype on every rank."""
        import torch
        import torch.distributed as dist

        if self.world_size == 1:
            return values
        tensor = torch.from_numpy(np.ascontiguousarray(values)).to(self.device)
        dist.all_reduce(tensor)
        return tensor.cpu().numpy()

    def sum_tensor(self, values: Any) -> Any:
        """All-reduced sum, a tensor on the same device."""
        import torch.distributed as dist

        if self.world_size > 1:
            dist.all_reduce(values)
        return values


def training_loop(settings: dict[str, Any]) -> None:
    """Loop of every Ray Train worker: ask the mailbox for a job, train, deliver, until sent home.

    settings: `config` (values of ExperimentConfig), `mailbox` (actor handle), `use_gpu` (bool).
    """
    import cv2
    import ray
    import ray.train.torch
    import torch

    from raymeta.config import parse_config
    from raymeta.datasets.registry import open_steady
    from raymeta.loop.training_job import TrainingReporter, run_training_job
    from raymeta.networks.freed_memory import keep_freed_memory, return_freed_memory
    from raymeta.training.training_set import ExampleCache

    keep_freed_memory()
    config = parse_config(settings["config"])
    torch.set_num_threads(config.training.threads_per_worker)
    cv2.setNumThreads(1)  # images are made in a thread beside the step
    device = ray.train.torch.get_device() if settings["use_gpu"] else torch.device("cpu")
    communicator = DistributedCommunicator(device)
    cache = ExampleCache(open_steady(config.dataset, config.seed))
    mailbox = settings["mailbox"]
    last = -1
    while True:
        last, job, resume = ray.get(mailbox.next_job.remote(last))
        if job is None:
            return
        reporter = TrainingReporter(
            config.training.max_epochs,
            partial(mailbox.report.remote, last),
            partial(mailbox.keep_state.remote, last),
        )
        try:
            result = run_training_job(
                replace(job, resume=resume),
                config,
                cache,
                device,
                communicator,
                reporter if communicator.rank == 0 else None,
            )
        except Exception as error:
            if _is_lost_peer(error, communicator.world_size):
                raise  # Ray Train starts the group again
            # The same input would fail again: tell the driver instead of being started again.
            ray.get(mailbox.finish.remote(last, f"{type(error).__name__}: {error}"))
            raise
        if device.type == "cuda":
            torch.cuda.empty_cache()  # a scorer may share the GPU
        return_freed_memory()
        if communicator.rank == 0:
            ray.get(mailbox.finish.remote(last, result))


def _is_lost_peer(error: Exception, world_size: int) -> bool:
    """Whether another rank's end explains an error: gloo and NCCL name their transport in a RuntimeError."""
    import torch.distributed as dist

    if world_size == 1:
        return False
    words = ("gloo", "nccl", "connection closed", "connection reset", "broken pipe", "socket")
    return isinstance(error, dist.DistError) or (
        type(error) is RuntimeError and any(word in str(error).lower() for word in words)
    )

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

    A worker's own error would come again: it goes to the mailbox, and a group that Ray Train starts all the same ends
    at once. Only the loss of a peer is left to Ray Train alone, which starts the group again.

    settings: `config` (values of ExperimentConfig), `mailbox` (actor handle), `use_gpu` (bool).
    """
    import ray
    import ray.train

    from raymeta.cluster.worker_failures import WorkerFailure, is_lost_peer, worker_place

    mailbox = settings["mailbox"]
    rank = ray.train.get_context().get_world_rank()
    if ray.get(mailbox.arrive.remote(rank, worker_place())) is not None:
        return
    try:
        _train_jobs(settings)
    except Exception as error:
        if not is_lost_peer(error):
            ray.get(mailbox.fail.remote(WorkerFailure.of(error)))
        raise


def _train_jobs(settings: dict[str, Any]) -> None:
    import cv2
    import ray
    import ray.train.torch
    import torch

    from raymeta.config import parse_config
    from raymeta.datasets.registry import open_steady
    from raymeta.loop.kept_features import KeptFeatures
    from raymeta.loop.training_job import TrainingReporter, run_training_job
    from raymeta.networks.freed_memory import keep_freed_memory, return_freed_memory
    from raymeta.training.training_set import ExampleCache, cache_bytes

    keep_freed_memory()
    config = parse_config(settings["config"])
    torch.set_num_threads(config.training.threads_per_worker)
    cv2.setNumThreads(1)  # images are made in a thread beside the step
    device = ray.train.torch.get_device() if settings["use_gpu"] else torch.device("cpu")
    communicator = DistributedCommunicator(device)
    cache = ExampleCache(open_steady(config.dataset, config.seed), cache_bytes(config.training))
    kept_features = KeptFeatures.for_run(config, device)
    mailbox = settings["mailbox"]
    last = -1
    while True:
        last, job, resume = ray.get(mailbox.next_job.remote(last))
        if job is None:
            return
        reporter = TrainingReporter(
            config.training.max_epochs,
            mailbox.report.remote,
            partial(mailbox.keep_state.remote, last),
        )
        result = run_training_job(
            replace(job, resume=resume),
            config,
            cache,
            device,
            communicator,
            reporter if communicator.rank == 0 else None,
            kept_features,
        )
        if device.type == "cuda":
            torch.cuda.empty_cache()  # a scorer may share the GPU
        return_freed_memory()
        if communicator.rank == 0:
            ray.get(mailbox.finish.remote(last, result))

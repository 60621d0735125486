"""What a Ray Train worker does: stay, and train one iteration's network after another."""

import io
import time
from dataclasses import asdict
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


class _Reporter:
    """Sends rank 0's progress to the desk without waiting for it."""

    def __init__(self, desk: Any, number: int, max_epochs: int) -> None:
        self.desk = desk
        self.number = number
        self.max_epochs = max_epochs
        self.fields: dict[str, Any] = {"epoch": 0, "max_epochs": max_epochs, "validation_miou": None}
        self.last_report = 0.0
        self.state_seconds = 0.0
        self.state_sent = time.monotonic()

    def step(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self.last_report > 0.3 or done == total:
            self.last_report = now
            self.desk.report.remote(self.number, self.fields | {"step": done, "steps": total})

    def epoch(self, record: Any, state: Any) -> None:
        self.fields |= {"epoch": record.epoch, "validation_miou": record.validation_miou}
        self.desk.report.remote(self.number, dict(self.fields))
        start = time.monotonic()
        # After every epoch, so that no more than one is ever done twice; unless it took less than sending its state.
        if start - self.state_sent >= self.state_seconds:
            self.desk.keep_state.remote(self.number, record.epoch, state.to_bytes())
            self.state_sent = time.monotonic()
            self.state_seconds = self.state_sent - start


def training_loop(settings: dict[str, Any]) -> None:
    """Loop of every Ray Train worker: ask the desk for a job, train, deliver, until sent home.

    settings: `config` (values of ExperimentConfig), `desk` (actor handle), `use_gpu` (bool).
    """
    import cv2
    import ray
    import ray.train.torch
    import torch

    from raymeta.config import parse_config
    from raymeta.datasets.registry import open_dataset
    from raymeta.experiment.training_set import ExampleCache
    from raymeta.networks.freed_memory import keep_freed_memory, return_freed_memory

    keep_freed_memory()
    config = parse_config(settings["config"])
    torch.set_num_threads(config.training.threads_per_worker)
    cv2.setNumThreads(1)  # images are made in a thread beside the step
    device = ray.train.torch.get_device() if settings["use_gpu"] else torch.device("cpu")
    communicator = DistributedCommunicator(device)
    cache = ExampleCache(open_dataset(config.dataset, config.seed))
    desk = settings["desk"]
    last = -1
    while True:
        last, job, resume = ray.get(desk.next_job.remote(last))
        if job is None:
            return
        try:
            result = train_job(job, last, resume, config, cache, device, communicator, desk)
        except RuntimeError:
            raise  # a peer or a device was lost: Ray Train starts the group again
        except Exception as error:
            # The same input would fail again: tell the driver instead of being started again.
            ray.get(desk.finish.remote(last, {"error": f"{type(error).__name__}: {error}"}))
            raise
        if device.type == "cuda":
            torch.cuda.empty_cache()  # a scorer may share the GPU
        return_freed_memory()
        if communicator.rank == 0:
            ray.get(desk.finish.remote(last, result))


def train_job(
    job: Any, number: int, resume: bytes | None, config: Any, cache: Any, device: Any, communicator: Any, desk: Any
) -> dict[str, Any]:
    """Train one network from its start weights; returns what the run folder keeps of it."""
    import torch

    from raymeta.experiment.training_set import LabelledExamples
    from raymeta.networks.registry import build_network
    from raymeta.networks.training import train_network

    examples = LabelledExamples(cache, job.regions, job.validation_ids)
    if not examples.num_train or not examples.num_validation:
        return {"error": f"no readable labelled or validation image: {examples.faults}"}
    network = build_network(config.network, cache.dataset.num_classes, config.seed + 1000 * job.iteration).to(device)
    reporter = _Reporter(desk, number, config.training.max_epochs)

    leader = communicator.rank == 0
    state = train_network(
        network,
        examples,
        config.training,
        seed=config.seed + 1000 * job.iteration,
        device=device,
        communicator=communicator,
        on_epoch=reporter.epoch if leader else None,
        on_step=reporter.step if leader else None,
        resume=resume,
    )
    buffer = io.BytesIO()
    torch.save(state.best_weights, buffer)
    return {
        "network": buffer.getvalue(),
        "history": [asdict(record) for record in state.history],
        "confusion": np.asarray(state.best_confusion).tolist(),
        "best_epoch": state.best_epoch,
        "miou": state.best_miou,
        "faults": examples.faults,
    }

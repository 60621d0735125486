"""What a run will need on this machine: devices, time and memory, measured on one small grey image."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import torch

from raymeta.config import ExperimentConfig
from raymeta.datasets.sample import Dataset
from raymeta.networks.inference import prepared
from raymeta.networks.segmentation_network import SegmentationNetwork
from raymeta.runs.split import Split
from raymeta.training.training_set import cache_bytes, memory_bytes

TRIED_SIDE: Final = 256
"""Pixels; times of larger images are taken as proportional to their pixels."""
BYTES_PER_PIXEL: Final = 4
"""Of a decoded image with its labels."""
COPIES_OF_WEIGHTS: Final = 5
"""Weights, gradients, two moments of the optimizer, and the best epoch's weights."""


@dataclass(frozen=True)
class PassSeconds:
    """Seconds a pixel, of one image on CPUs: train (forward and back) and predict (forward)."""

    train: float
    predict: float


def resource_facts(
    config: ExperimentConfig, dataset: Dataset, split: Split, network: SegmentationNetwork
) -> Iterator[str]:
    """One line each on devices, time and memory."""
    training, scoring = config.training, config.scoring
    yield (
        f"this machine: {available_cpus()} CPUs, {torch.cuda.device_count()} GPUs; training takes {training.workers} × "
        f"{training.threads_per_worker} threads, scoring {scoring.actors} × {scoring.threads_per_actor}"
    )
    yield time_fact(config, dataset, split, measure_passes(network, training.threads_per_worker))
    yield memory_fact(config, dataset, split, network)


def measure_passes(network: SegmentationNetwork, threads: int) -> PassSeconds:
    """Time one step and one prediction of a grey image on CPUs; the network has been run once already."""
    image = torch.full((1, TRIED_SIDE, TRIED_SIDE, 3), 128, dtype=torch.uint8)
    with _threads(threads):
        network.train()
        start = time.perf_counter()
        network(prepared(network, image, "cpu")).float().square().mean().backward()
        trained = time.perf_counter() - start
        network.eval()
        start = time.perf_counter()
        with torch.no_grad():
            network(prepared(network, image, "cpu"))
        predicted = time.perf_counter() - start
    return PassSeconds(trained / TRIED_SIDE**2, predicted / TRIED_SIDE**2)


def time_fact(config: ExperimentConfig, dataset: Dataset, split: Split, seconds: PassSeconds) -> str:
    """The network's own time for a first epoch and for the pool: what comes on top is less, but for tiny networks."""
    training = config.training
    pixels = dataset.height * dataset.width
    trained = (training.crop_height or dataset.height) * (training.crop_width or dataset.width)
    images = max(len(split.initial), training.min_steps_per_epoch * training.batch_size)
    if training.steps_per_epoch is not None:
        images = min(images, training.steps_per_epoch * training.batch_size)
    workers = min(training.workers, available_cpus())
    epoch = (images * trained * seconds.train + len(split.validation) * pixels * seconds.predict) / workers
    pool = len(split.unlabelled) * pixels * seconds.predict / min(config.scoring.actors, available_cpus())
    frozen = "; a frozen encoder's kept features make later epochs faster" if config.network.encoder == "frozen" else ""
    return (
        f"time on CPUs like these, the network alone: {_duration(epoch)} for a first epoch (of at most "
        f"{training.max_epochs}), {_duration(pool)} to score the pool, in each iteration{frozen}"
    )


def memory_fact(config: ExperimentConfig, dataset: Dataset, split: Split, network: SegmentationNetwork) -> str:
    """Decoded images and weights of a training worker, and the softmax of an image in a scoring actor."""
    pixels = dataset.height * dataset.width
    decoded = (len(split.pool) + len(split.validation)) * pixels * BYTES_PER_PIXEL
    kept = min(decoded, cache_bytes(config.training))
    weights = COPIES_OF_WEIGHTS * sum(p.numel() * p.element_size() for p in network.parameters())
    softmax = dataset.num_classes * pixels * 4
    return (
        f"memory: up to {_size(kept)} of decoded images and {_size(weights)} of weights in a training worker, "
        f"{_size(softmax)} of softmax for an image being scored, beside about 0.5 GiB a process; "
        f"this machine has {_size(memory_bytes())}"
    )


def available_cpus() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(min(count, available_cpus()))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _duration(seconds: float) -> str:
    if seconds < 1:
        return "less than a second"
    if seconds < 100:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} minutes" if seconds < 6000 else f"about {seconds / 3600:.0f} hours"


def _size(size: float) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{max(1, round(size / 2**20))} MiB"

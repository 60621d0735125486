"""Training: a plain torch loop with two threads against two workers of Ray Train, and what a fit costs."""

import multiprocessing
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.measurement import Measurement
from raymeta.config import NetworkConfig, TrainingConfig
from raymeta.networks.registry import build_network
from raymeta.training.network_training import train_network

CLASSES = 11


@dataclass(frozen=True)
class NoiseExamples:
    """Random images with random labels: training takes as long as on real ones."""

    num_train: int
    num_validation: int
    height: int
    width: int

    def train_example(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """(H, W, 3) uint8 and (H, W) uint8."""
        rng = np.random.default_rng(index)
        image = rng.integers(0, 256, (self.height, self.width, 3), dtype=np.uint8)
        return image, rng.integers(0, CLASSES, (self.height, self.width), dtype=np.uint8)

    validation_example = train_example

    def unlabelled(self, index: int) -> NDArray[np.bool_]:
        """(H, W) bool: everything is labelled."""
        return np.zeros((self.height, self.width), np.bool_)


def measure_training(quick: bool) -> list[Measurement]:
    """Median seconds of an epoch; what a fit takes beyond its epochs stands apart."""
    from raymeta.cluster.connection import ray_connection

    size = {"num_train": 4, "num_validation": 2, "height": 48, "width": 64, "epochs": 2}
    if not quick:
        size = {"num_train": 40, "num_validation": 4, "height": 180, "width": 240, "epochs": 7}
    plain = _plain(size)
    with ray_connection("local"):
        fixed, trained = _with_ray_train(size)
    text = f"an epoch, {size['num_train']} images {size['height']}×{size['width']}"
    return [
        Measurement("training, plain loop, 2 threads", text, plain),
        Measurement("training, 2 workers of Ray Train", text, trained, trained / plain, note="ratio to the row above"),
        Measurement("fixed cost of one fit()", "2 workers", fixed, note="once for a whole experiment"),
    ]


def _plain(size: dict[str, int]) -> float:
    """Seconds of an epoch of the plain loop, in a process with the settings of Ray's: threads that don't spin."""
    from raymeta.cluster.connection import quiet_environment

    quiet_environment()  # torch's threads read OMP_WAIT_POLICY when a process loads them
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(_train, size, 2, None).result()


def _train(size: dict[str, int], threads: int, communicator: Any) -> float:
    torch.set_num_threads(threads)
    network = build_network(NetworkConfig(width_multiplier=0.25, batch_norm=True), CLASSES, 0)
    examples = NoiseExamples(size["num_train"], size["num_validation"], size["height"], size["width"])
    config = TrainingConfig(learning_rate=1e-3, batch_size=4, max_epochs=size["epochs"], patience=100)
    state = train_network(network, examples, config, seed=0, communicator=communicator)
    return statistics.median(record.seconds for record in state.history)


def _loop(settings: dict[str, Any]) -> None:
    """Loop of a Ray Train worker: train as raymeta's workers do, and have rank 0 tell how long that took."""
    import ray
    import ray.train

    from raymeta.cluster.training_worker import DistributedCommunicator
    from raymeta.networks.freed_memory import keep_freed_memory

    keep_freed_memory()
    communicator = DistributedCommunicator(torch.device("cpu"))
    seconds = _train(settings["size"], 1, communicator)
    if communicator.rank == 0:
        ray.get(settings["clock"].put.remote(seconds))


class Clock:
    """Actor that holds what rank 0 measured."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def put(self, seconds: float) -> None:
        """Keep the seconds."""
        self.seconds = seconds

    def get(self) -> float:
        """The seconds kept."""
        return self.seconds


def _with_ray_train(size: dict[str, int]) -> tuple[float, float]:
    """Seconds of a fit beyond its epochs, and of an epoch."""
    import tempfile

    import ray
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    clock: Any = ray.remote(Clock).options(num_cpus=0).remote()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as storage:
        TorchTrainer(
            _loop,
            train_loop_config={"size": size, "clock": clock},
            scaling_config=ScalingConfig(num_workers=2, resources_per_worker={"CPU": 1.0}),
            run_config=RunConfig(name="bench", storage_path=storage),
        ).fit()
    whole = time.perf_counter() - start
    trained = float(ray.get(clock.get.remote()))
    return whole - size["epochs"] * trained, trained

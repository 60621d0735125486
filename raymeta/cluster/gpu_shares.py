"""Which share of a GPU each training worker and each scoring actor holds, all along an experiment."""

from dataclasses import dataclass
from typing import Final

import ray

from raymeta.cluster.connection import cluster_gpus
from raymeta.config import ExperimentConfig

TRAINING_SHARE: Final = 0.6
"""Of a GPU that a scorer uses too, in turns; above a half, so that no two training workers get the same GPU."""


@dataclass(frozen=True)
class GpuShares:
    """GPUs of a training worker and of a scoring actor; 0 where it works on CPUs.

    ordered: training workers must have their places before scoring actors take any.
    """

    training: float
    scoring: float
    ordered: bool = False


def gpu_shares(config: ExperimentConfig) -> GpuShares:
    """Whole GPUs where there are enough for workers and actors, else shared ones; where one kind lacks GPUs, CPUs.

    Training goes to GPUs that torch can use. Scoring actors may hold such that are merely declared: they look
    themselves, and then use their CPUs.
    """
    gpus, workers, actors = cluster_gpus(), config.training.workers, config.scoring.actors
    training, scoring = gpus >= workers and _torch_can_use_gpus(), gpus >= actors
    if training and scoring and gpus < workers + actors:
        return GpuShares(TRAINING_SHARE, 1 - TRAINING_SHARE, ordered=True)
    return GpuShares(float(training), float(scoring))


def _torch_can_use_gpus() -> bool:
    """Whether a process to which Ray grants a GPU can use it: not where GPUs were merely declared."""
    return bool(ray.get(ray.remote(num_gpus=0.01, num_cpus=0)(_cuda_is_available).remote()))


def _cuda_is_available() -> bool:
    import torch

    return torch.cuda.is_available()

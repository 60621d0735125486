"""Whether a cluster has places for all workers of an experiment: Ray would wait for ever, without a word."""

from collections.abc import Mapping

import ray

from raymeta.cluster.gpu_shares import GpuShares
from raymeta.config import ExperimentConfig
from raymeta.errors import InputError

CPUS_PER_ACTOR = 0.5
"""Of a scoring actor without GPU; with one it holds a CPU."""


def check_places(config: ExperimentConfig, shares: GpuShares) -> None:
    """Compare what training workers and scoring actors hold with what the connected cluster has, or may grow to.

    Raises:
        InputError: they can't all be placed, however long one waits.
    """
    fault = missing_places(config, shares, ray.cluster_resources(), _largest_resources())
    if fault is not None:
        raise InputError(fault)


def missing_places(
    config: ExperimentConfig,
    shares: GpuShares,
    cluster: Mapping[str, float],
    largest: Mapping[str, float] | None = None,
) -> str | None:
    """What is missing, and what to change; None where nothing is.

    Args:
        config: numbers of workers and actors.
        shares: of GPUs that each holds.
        cluster: resources that the cluster has now, by Ray's names.
        largest: what an autoscaler may add up to; None where nothing grows.
    """
    workers, actors = config.training.workers, config.scoring.actors
    needed = {
        "CPU": (0 if shares.training else workers) + actors * (1.0 if shares.scoring else CPUS_PER_ACTOR),
        "GPU": workers * shares.training + actors * shares.scoring,
    }
    for name, count in needed.items():
        there = max(cluster.get(name, 0.0), (largest or {}).get(name, 0.0))
        if count > there + 1e-6:
            return (
                f"training.workers {workers} and scoring.actors {actors} hold {count:g} {name}s of Ray all along, the "
                f"cluster has {there:g}: lower them, or add machines"
            )
    return None


def _largest_resources() -> Mapping[str, float] | None:
    """What the cluster's autoscaler may add up to; None where there is none."""
    try:
        from ray._private.state import state

        return state.get_max_resources_from_cluster_config()
    except (ImportError, AttributeError):  # no public way to ask; other versions may have none
        return None

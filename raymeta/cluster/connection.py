"""The one rule how a Ray cluster is reached: the one that is named, else a local one."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ray

import raymeta
from raymeta.errors import InputError
from raymeta.local_files import in_submitted_job

LOCAL_CPUS = 4
"""Logical CPUs of a local Ray: actors that wait hold a share of one; 4 start few processes even on 2 cores."""


class ConnectionFailedError(InputError):
    """The named cluster can't be reached."""


def quiet_environment() -> None:
    """Settings that Ray reads once, when it is imported or started; what the user has set stays."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Threads that spin while they wait starve the other workers of a small machine: epochs took ten times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Ray Train's loop runs in a thread: in an arena of its own freed memory goes back to the system with each step.
    os.environ.setdefault("MALLOC_ARENA_MAX", "1")
    # Ray's metrics, which nobody reads from a local Ray, grow with each pass of Ray Data, in its actor and Ray's agent;
    # its record of every task grows in its head process.
    os.environ.setdefault("RAY_enable_metrics_collection", "0")
    os.environ.setdefault("RAY_task_events_report_interval_ms", "0")
    os.environ.setdefault("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.2")


def cluster_address(address: str | None) -> str | None:
    """Address to connect to, or None for a local Ray: `address`, else RAY_ADDRESS; "local" forces a local one."""
    chosen = address or os.environ.get("RAY_ADDRESS") or None
    return None if chosen == "local" else chosen


@contextmanager
def ray_connection(address: str | None = None) -> Iterator[None]:
    """Connect to the cluster of `address` or RAY_ADDRESS, else start a local Ray; disconnect at the end.

    Raises:
        ConnectionFailedError: no cluster answers at the address.
    """
    quiet_environment()
    chosen = cluster_address(address)
    if ray.is_initialized():
        yield
        return
    try:
        if chosen is None:
            # "local" and not None: an address file that a killed cluster left behind would be taken for a cluster.
            ray.init(
                address="local",
                num_cpus=max(LOCAL_CPUS, os.cpu_count() or 1),
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        else:
            ray.init(address=chosen, log_to_driver=False, logging_level=logging.ERROR, runtime_env=_runtime_env())
    except Exception as error:  # Ray raises plain Exception where a node doesn't come up in time
        if chosen is None:
            raise ConnectionFailedError(
                f"Ray didn't start on this machine: {error}; free memory and CPUs, and run the same command again"
            ) from error
        raise ConnectionFailedError(
            f"no Ray cluster answers at {chosen}: {error}; start one with `ray start --head`, or leave out "
            "--address and RAY_ADDRESS to use a local one"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _runtime_env() -> dict[str, object] | None:
    """Ship this package to a cluster, unless a submitted job has brought it already."""
    if in_submitted_job():
        return None
    return {"py_modules": [str(Path(raymeta.__file__).parent)]}


def cluster_gpus() -> int:
    """GPUs of the connected cluster."""
    return int(ray.cluster_resources().get("GPU", 0))

"""The small experiment on Ray, and without it, which every one on Ray must equal; a cluster in this process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from experiment_runner import Runner
from small_experiment import scenes, undisturbed

NODES, GPUS_PER_NODE = 2, 4

__all__ = ["runner", "scenes", "undisturbed"]


@pytest.fixture
def runner(tmp_path: Path, scenes: Path) -> Runner:
    return Runner(tmp_path, scenes)


@pytest.fixture(scope="package")
def cluster() -> Iterator[None]:
    """This process is connected to several nodes with merely declared GPUs: what asks for a local Ray gets them."""
    import ray
    from ray.cluster_utils import Cluster

    from raymeta.cluster.connection import quiet_environment

    quiet_environment()
    cluster = Cluster()
    for _ in range(NODES):
        cluster.add_node(num_cpus=4, num_gpus=GPUS_PER_NODE, object_store_memory=100 << 20, include_dashboard=False)
    ray.init(address=cluster.address, log_to_driver=False)
    yield
    ray.shutdown()
    cluster.shutdown()

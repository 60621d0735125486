"""More workers than a cluster can hold are told before anything waits."""

import pytest
from tiny_settings import tiny_values

from raymeta.cluster.cluster_places import missing_places
from raymeta.cluster.gpu_shares import GpuShares
from raymeta.config import parse_config

CPUS, GPUS = GpuShares(0, 0), GpuShares(1, 1)


def config(tmp_path, workers, actors):
    values = tiny_values(tmp_path, str(tmp_path / "run"))
    training = values["training"] | {"workers": workers, "batch_size": workers}
    return parse_config(values | {"training": training, "scoring": {"actors": actors}})


@pytest.mark.parametrize(
    ("workers", "actors", "shares", "cluster", "largest", "fits"),
    [
        (2, 4, CPUS, {"CPU": 4.0}, None, True),
        (3, 4, CPUS, {"CPU": 4.0}, None, False),
        (1, 8, CPUS, {"CPU": 4.0}, None, False),
        (8, 1, CPUS, {"CPU": 4.0}, {"CPU": 64}, True),
        (2, 2, GPUS, {"CPU": 4.0, "GPU": 4.0}, None, True),
        (2, 2, GpuShares(0.6, 0.4), {"CPU": 4.0, "GPU": 2.0}, None, True),
        (2, 3, GPUS, {"CPU": 4.0, "GPU": 4.0}, None, False),
        (1, 6, GpuShares(0, 1), {"CPU": 4.0, "GPU": 8.0}, None, False),
    ],
)
def test_places(workers, actors, shares, cluster, largest, fits, tmp_path):
    fault = missing_places(config(tmp_path, workers, actors), shares, cluster, largest)
    assert (fault is None) == fits
    if fault is not None:
        assert f"training.workers {workers} and scoring.actors {actors}" in fault

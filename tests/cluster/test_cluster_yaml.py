from pathlib import Path

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).parent.parent.parent
PATHS = {"aws": ROOT / "cluster.yaml", "gcp": ROOT / "deploy/cluster-gcp.yaml"}


@pytest.mark.parametrize("provider", PATHS)
def test_cluster_launcher_accepts_it(provider):
    config = yaml.safe_load(PATHS[provider].read_text())
    prepared = prepare_config(config)
    validate_config(prepared)
    assert prepared["provider"]["type"] == provider
    assert prepared["available_node_types"]["gpu_worker"]["resources"]["GPU"] == 1


@pytest.mark.parametrize("provider", PATHS)
def test_workers_are_spot_and_the_head_is_not(provider):
    types = yaml.safe_load(PATHS[provider].read_text())["available_node_types"]
    spot = {"aws": ("InstanceMarketOptions", {"MarketType": "spot"}), "gcp": ("scheduling", [{"preemptible": True}])}
    key, value = spot[provider]
    assert types["gpu_worker"]["node_config"][key] == value
    assert key not in types["head"]["node_config"]
    assert types["gpu_worker"]["max_workers"] > types["gpu_worker"]["min_workers"]


def test_both_install_and_start_alike():
    aws, gcp = (yaml.safe_load(path.read_text()) for path in PATHS.values())
    for key in ("setup_commands", "file_mounts", "head_start_ray_commands", "worker_start_ray_commands"):
        assert aws[key] == gcp[key]

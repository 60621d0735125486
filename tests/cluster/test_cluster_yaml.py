from pathlib import Path

import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

PATH = Path(__file__).parent.parent.parent / "cluster.yaml"


def test_cluster_launcher_accepts_it():
    config = yaml.safe_load(PATH.read_text())
    prepared = prepare_config(config)
    validate_config(prepared)
    assert prepared["available_node_types"]["gpu_worker"]["resources"]["GPU"] == 1


def test_workers_are_spot_and_the_head_is_not():
    types = yaml.safe_load(PATH.read_text())["available_node_types"]
    assert types["gpu_worker"]["node_config"]["InstanceMarketOptions"]["MarketType"] == "spot"
    assert "InstanceMarketOptions" not in types["head"]["node_config"]
    assert types["gpu_worker"]["max_workers"] > types["gpu_worker"]["min_workers"]

"""A node of a cluster dies with all its workers while they work; the run goes on with the others."""

import os
import random
import subprocess
import sys
import time

import pytest
from tiny_experiment import assert_same, child_environment, kill_group

pytestmark = [pytest.mark.faults, pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def cluster(monkeypatch):
    """A head that works for nobody, and two nodes."""
    from ray.cluster_utils import Cluster

    from raymeta.cluster.connection import quiet_environment

    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    quiet_environment()
    # A node that was killed is noticed after so long; the default is half a minute.
    monkeypatch.setenv("RAY_health_check_initial_delay_ms", "1000")
    monkeypatch.setenv("RAY_health_check_period_ms", "1000")
    monkeypatch.setenv("RAY_health_check_failure_threshold", "3")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    yield cluster
    cluster.shutdown()


@pytest.mark.parametrize("seed", range(2))
def test_a_killed_node(cluster, tiny, tiny_undisturbed, ledger, seed):
    nodes = [cluster.add_node(num_cpus=4) for _ in range(2)]
    rng = random.Random(seed)
    with (tiny.folder / "output.txt").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "raymeta", "run", str(tiny.config), "scoring.actors=2"],
            env=child_environment(tiny.folder) | {"RAY_ADDRESS": cluster.address, "PYTHONPATH": os.getcwd()},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    try:
        while not list(tiny.run_dir.glob("iterations/000/training_state.pt")):
            assert process.poll() is None, tiny.output
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 2))
        cluster.remove_node(nodes[rng.randrange(2)], allow_graceful=False)
        cluster.add_node(num_cpus=4)
        code = process.wait(timeout=300)
        assert code in (0, 1), tiny.output
        assert "Traceback" not in tiny.output, tiny.output
        if code == 1:
            assert "same command goes on" in tiny.output, tiny.output
    finally:
        kill_group(process)
    tiny.run("scoring.actors=2")
    assert_same(tiny.run_dir, tiny_undisturbed.run_dir)
    ledger.record("node killed", lost="nothing (the run may stop with a message, the same command goes on)")

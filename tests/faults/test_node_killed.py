"""A node of a cluster dies with all its workers while they work; the run goes on with the others."""

import random
import time

import pytest
from tiny_experiment import assert_same, kill_group
from warm_cluster import WarmCluster, WarmRun

pytestmark = [pytest.mark.faults, pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def cluster():
    """A head that works for nobody; each test adds nodes."""
    cluster = WarmCluster(head_cpus=0)
    yield cluster
    cluster.close()


@pytest.mark.parametrize("seed", range(2))
def test_a_killed_node(cluster, tmp_path, tiny_scenes, starter, plain_undisturbed, ledger, seed):
    nodes = [cluster.nodes.add_node(num_cpus=4) for _ in range(2)]
    rng = random.Random(seed)
    run = WarmRun(tmp_path, tiny_scenes, starter, cluster.address)
    process = run.start("scoring.actors=2")
    try:
        while not list(run.run_dir.glob("iterations/000/training_state.pt")):
            assert process.poll() is None, run.output
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 2))
        cluster.nodes.remove_node(nodes[rng.randrange(2)], allow_graceful=False)
        cluster.nodes.add_node(num_cpus=4)
        code = process.wait(timeout=300)
        assert code in (0, 1), run.output
        assert "Traceback" not in run.output, run.output
        if code == 1:
            assert "same command goes on" in run.output, run.output
    finally:
        kill_group(process)
    run.run("scoring.actors=2")
    assert_same(run.run_dir, plain_undisturbed.run_dir)
    ledger.record("node killed", lost="nothing (the run may stop with a message, the same command goes on)")

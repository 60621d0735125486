"""SIGKILL of the driver of a real run on Ray: at each stage boundary, at random moments, and with all its processes."""

import os
import random
import shutil
import signal
import subprocess
import time

import pytest
from processes import wait_until_gone
from tiny_experiment import TinyRun, assert_same, kill_group

from raymeta.runs.iteration_folder import STAGES

pytestmark = [pytest.mark.faults, pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]

CHAINS, KILLS = 10, 4
POWER_CUTS = 5
"""50 moments: in each of 10 chains the driver alone dies 4 times, in each of 2 all processes of its Ray 5 times."""


@pytest.mark.parametrize("iteration", [0, 1])
def test_killed_after_each_stage(warm, plain_undisturbed, ledger, iteration):
    first = iteration * len(STAGES)
    if first:
        assert warm.start(die_after=first).wait() == -signal.SIGKILL
    for done in range(first + 1, first + len(STAGES) + 1):
        assert warm.start(die_after=1).wait() == -signal.SIGKILL, warm.output
        assert len(warm.committed()) == done
    warm.run()
    assert_same(warm.run_dir, plain_undisturbed.run_dir)
    ledger.record("driver killed at a stage boundary", len(STAGES) + (first > 0))


def kill_at_moments(run, seconds, moments, kills):
    """Kill drivers at moments up to `seconds` after their start; one that finishes is checked and a new run begun."""
    while kills:
        process = run.start()
        try:
            process.wait(timeout=moments.uniform(0.1, 1.0) * seconds)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            kills -= 1
        kill_group(process)
        if process.returncode == 0:
            yield run
            shutil.rmtree(run.run_dir)
        else:
            assert process.returncode == -signal.SIGKILL, run.output
    run.run()
    yield run


@pytest.mark.parametrize("chain", range(CHAINS))
def test_killed_at_random_moments(warm, warm_seconds, plain_undisturbed, ledger, chain):
    for finished in kill_at_moments(warm, warm_seconds, random.Random(chain), KILLS):
        assert_same(finished.run_dir, plain_undisturbed.run_dir)
    ledger.record("driver killed at a random moment", KILLS)


@pytest.mark.parametrize("seed", range(2))
def test_power_cuts(tiny, warm_seconds, plain_undisturbed, ledger, seed):
    """All processes of a local Ray and its driver at once; more time, since a local Ray takes a while to start."""
    moments = random.Random(1000 + seed)
    for finished in kill_at_moments(tiny, warm_seconds + 20, moments, POWER_CUTS):
        assert_same(finished.run_dir, plain_undisturbed.run_dir)
    ledger.record("driver and all processes of its Ray killed at a random moment", POWER_CUTS)


def test_a_killed_driver_leaves_no_process(tiny: TinyRun, ledger):
    process = tiny.start()
    while "000/train" not in tiny.committed():
        assert process.poll() is None, tiny.output
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    began = time.monotonic()
    try:
        assert wait_until_gone(process.pid, seconds=100) == {}
    finally:
        kill_group(process)
    print(f"all gone after {time.monotonic() - began:.1f} s")
    ledger.record("Ray processes of a killed driver", lost="nothing (all gone within 100 s)")

"""SIGKILL of the driver of a real run on a local Ray: at each stage boundary, and at random moments."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import wait_until_gone
from tiny_experiment import TinyRun, assert_same, child_environment, kill_group

from raymeta.experiment.iteration_folder import STAGES

pytestmark = [pytest.mark.faults, pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(1200)]

KILLS = 10


def test_killed_after_each_stage(tiny, tiny_undisturbed, ledger):
    script = str(Path(__file__).parent / "dying_driver.py")
    kills = 0
    for done in range(1, 2 * len(STAGES) + 1):
        process = subprocess.Popen(
            [sys.executable, script, "1", str(tiny.config)],
            env=child_environment(tiny.folder),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert process.wait(timeout=300) == -signal.SIGKILL
        kill_group(process)
        assert len(tiny.committed()) == done
        kills += 1
    tiny.run()
    assert_same(tiny.run_dir, tiny_undisturbed.run_dir)
    ledger.record("driver killed at a stage boundary", kills)


@pytest.mark.parametrize("seed", range(5))
def test_killed_at_random_moments(tmp_path, tiny_scenes, tiny_undisturbed, ledger, seed):
    """Odd seeds kill the driver alone, even ones all its processes at once, as a power cut does."""
    moments, kills, run = random.Random(seed), 0, None
    while kills < KILLS:
        run = run or TinyRun(tmp_path, tiny_scenes)
        process = run.start()
        try:
            process.wait(timeout=moments.uniform(0.1, 1.0) * tiny_undisturbed.seconds)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        if seed % 2 == 0:
            kill_group(process)
        else:
            process.wait()
        if process.returncode == 0:  # it ended before its moment: the next moments are for a new run
            assert_same(run.run_dir, tiny_undisturbed.run_dir)
            shutil.rmtree(run.run_dir)
    run.run()
    assert_same(run.run_dir, tiny_undisturbed.run_dir)
    ledger.record(f"driver {'and all its processes ' if seed % 2 == 0 else ''}killed at a random moment", kills)


def test_a_killed_driver_leaves_no_process(tiny, ledger):
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
    # A bound and not the time measured: tables of two runs are compared.
    assert time.monotonic() - began < 100
    ledger.record("Ray processes of a killed driver", lost="nothing (all gone within 100 s)")

"""SIGKILL of the processes that work for a live driver: the run ends the same, or stops with one clear message."""

import os
import random
import signal
import time

import pytest
from processes import actors_named
from tiny_experiment import assert_same, kill_group

pytestmark = [pytest.mark.faults, pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]


def kill_named(process, name, number, moments):
    """Kill an actor of that name at seeded moments of its life while the driver lives; the number of kills."""
    kills, known = 0, actors_named(name)
    while process.poll() is None and kills < number:
        for pid in actors_named(name) - known:
            known.add(pid)
            time.sleep(moments.uniform(0.0, 0.8))
            if pid in actors_named(name) and process.poll() is None:
                os.kill(pid, signal.SIGKILL)
                kills += 1
                break
        time.sleep(0.02)
    return kills


@pytest.mark.parametrize(
    ("name", "number", "what"),
    [("RayTrainWorker", 2, "Train worker"), ("ScoringWorker", 3, "scoring actor"), ("BoxSelector", 2, "box selector")],
)
def test_killed_again_and_again(warm, plain_undisturbed, ledger, name, number, what):
    process = warm.start()
    try:
        kills = kill_named(process, name, number, random.Random(name))
        assert process.wait(timeout=300) == 0, warm.output
    finally:
        kill_group(process)
    assert kills >= 1
    assert_same(warm.run_dir, plain_undisturbed.run_dir)
    ledger.record(f"{what} killed", kills)


@pytest.mark.parametrize("name", ["TrainingMailbox", "TrainController"])
def test_a_loss_that_stops_the_run_is_told_and_resumed(warm, plain_undisturbed, ledger, name):
    known = actors_named(name)
    process = warm.start()
    try:
        while "000/train" not in warm.committed():
            assert process.poll() is None, warm.output
            time.sleep(0.02)
        time.sleep(random.Random(name).uniform(0.0, 0.8))
        (pid,) = actors_named(name) - known
        os.kill(pid, signal.SIGKILL)
        code = process.wait(timeout=300)
        assert code in (0, 1), warm.output
        assert "Traceback" not in warm.output, warm.output
        if code == 1:
            assert "same command goes on" in warm.output
    finally:
        kill_group(process)
    warm.run()
    assert_same(warm.run_dir, plain_undisturbed.run_dir)
    ledger.record(f"{name} killed", 1, "nothing (the run may stop with a message, the same command goes on)")

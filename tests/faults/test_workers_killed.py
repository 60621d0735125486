"""SIGKILL of the processes that work for a live driver: the run ends the same, or stops with one clear message."""

import os
import random
import signal
import time

import pytest
from processes import processes_of
from tiny_experiment import assert_same, kill_group

pytestmark = [pytest.mark.faults, pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]


def kill_named(run, process, name, number, moments):
    """Kill a process of that name at seeded moments of its life, `number` times; the number of kills."""
    kills, known = 0, set()
    while process.poll() is None and kills < number:
        fresh = [pid for pid, command in processes_of(process.pid).items() if f"ray::{name}" in command]
        for pid in fresh:
            if pid in known:
                continue
            known.add(pid)
            time.sleep(moments.uniform(0.0, 0.8))
            if pid in processes_of(process.pid):
                os.kill(pid, signal.SIGKILL)
                kills += 1
            break
        time.sleep(0.02)
    return kills


@pytest.mark.parametrize(
    ("name", "number", "what"),
    [("RayTrainWorker", 2, "Train worker"), ("ScoringWorker", 3, "scoring actor"), ("BoxSelector", 2, "box selector")],
)
def test_killed_again_and_again(tiny, tiny_undisturbed, ledger, name, number, what):
    process = tiny.start()
    try:
        kills = kill_named(tiny, process, name, number, random.Random(name))
        assert process.wait(timeout=300) == 0, tiny.output
    finally:
        kill_group(process)
    assert kills >= 1
    assert_same(tiny.run_dir, tiny_undisturbed.run_dir)
    ledger.record(f"{what} killed", kills)


@pytest.mark.parametrize("name", ["TrainingDesk", "TrainController"])
def test_a_loss_that_stops_the_run_is_told_and_resumed(tiny, tiny_undisturbed, ledger, name):
    process = tiny.start()
    try:
        while "000/train" not in tiny.committed() and process.poll() is None:
            time.sleep(0.02)
        kills = kill_named(tiny, process, name, 1, random.Random(name))
        code = process.wait(timeout=300)
        assert kills == 1
        assert code in (0, 1), tiny.output
        assert "Traceback" not in tiny.output
        if code == 1:
            assert "same command goes on" in tiny.output
    finally:
        kill_group(process)
    tiny.run()
    assert_same(tiny.run_dir, tiny_undisturbed.run_dir)
    ledger.record(f"{name} killed", kills, "nothing (the run may stop with a message, the same command goes on)")

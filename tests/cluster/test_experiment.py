"""The whole loop on a real Ray, disturbed: what it gives without Ray, bit for bit. test_early_start.py: undisturbed."""

import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
from experiment_runner import LocalRunner, assert_same_run, queries

from raymeta.cluster.local_processes import descendants

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.mark.long  # test_scoring_scale.py has 1 to 5 actors on one cluster
def test_two_scoring_actors_give_the_same_queries(runner, undisturbed):
    runner.run("scoring.actors=2")
    assert_same_run(runner.run_dir, undisturbed.run_dir)


@pytest.mark.long
@pytest.mark.parametrize("strategy", ["segments", "superpixels"])
def test_parts_by_two_actors_and_after_a_kill_are_those_without_ray(runner, tmp_path, scenes, strategy):
    segments = (f"acquisition.strategy={strategy}", "acquisition.query_clicks=30", "acquisition.query_size=1000")
    local = LocalRunner(tmp_path / "local", scenes)
    local.loop(*segments)
    process = runner.start(*segments, "scoring.actors=2")
    time.sleep(25)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    runner.run(*segments, "scoring.actors=2")
    assert_same_run(runner.run_dir, local.run_dir)
    assert "segment" in queries(local.run_dir)[0][0]


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, 1])
def test_a_run_killed_at_random_moments_ends_the_same(runner, undisturbed, seed):
    moments = random.Random(seed)
    for _ in range(2):
        process = runner.start()
        # The first stages commit after some 15 s of start: moments before, between and after them.
        time.sleep(moments.uniform(8, 35))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    runner.run()
    assert_same_run(runner.run_dir, undisturbed.run_dir)


def test_ctrl_c_a_kill_among_the_stages_and_lost_workers_leave_the_run_as_it_is(runner, undisturbed):
    """Three starts of one run: the first is stopped as a person does, the second killed with its Ray, and in the third
    one process of each kind is."""
    process = runner.start()
    until_there(process, runner.run_dir / "iterations/000/manifest.json")  # its first training is over
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 130, output
    assert "goes on where it was" in output
    assert "Traceback" not in output

    process = runner.start()
    until_there(process, runner.run_dir / "iterations/000/query.parquet")
    time.sleep(random.Random(0).uniform(0, 2))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()

    process = runner.start()
    assert kill_one_of_each(process, {"RayTrainWorker", "ScoringWorker", "BoxSelector"}) == set()
    output, _ = process.communicate(timeout=500)
    assert process.returncode == 0, output
    assert_same_run(runner.run_dir, undisturbed.run_dir)


def until_there(process, path):
    """Wait until a run that goes on has written a file."""
    while not path.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def kill_one_of_each(process, waiting):
    """Kill the first process of each kind below one of ours as soon as it appears; gives the kinds that never did."""
    deadline = time.monotonic() + 400
    while waiting and process.poll() is None and time.monotonic() < deadline:
        for pid in descendants(process.pid):
            # The process is named after its class as soon as its actor is up, and does its first work then.
            command = command_line(pid)
            if command.startswith("ray::") and (name := next((name for name in waiting if name in command), None)):
                os.kill(pid, signal.SIGKILL)
                waiting.remove(name)
        time.sleep(0.05)
    return waiting


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""  # it has just ended


@pytest.mark.long
def test_two_training_workers_repeat_themselves(runner, tmp_path):
    runner.run("training.workers=2", "iterations=1")
    first = queries(runner.run_dir)
    shutil.rmtree(runner.run_dir)
    runner.run("training.workers=2", "iterations=1")
    assert queries(runner.run_dir) == first

"""The whole loop on a real Ray, undisturbed and disturbed: always what it gives without Ray, bit for bit."""

import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
from experiment_runner import LocalRunner, assert_same_run, queries

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def test_it_ends_as_without_ray(runner, undisturbed):
    runner.run()
    assert_same_run(runner.run_dir, undisturbed.run_dir)


@pytest.mark.long  # test_scoring_scale.py has 1 to 8 actors on one cluster
def test_two_scoring_actors_give_the_same_queries(runner, undisturbed):
    runner.run("scoring.actors=2")
    assert_same_run(runner.run_dir, undisturbed.run_dir)


@pytest.mark.long
@pytest.mark.parametrize("strategy", ["segments", "superpixels"])
def test_parts_by_two_actors_and_after_a_kill_are_those_without_ray(runner, tmp_path, scenes, strategy):
    segments = (f"acquisition.strategy={strategy}", "acquisition.query_clicks=30", "acquisition.query_size=1000")
    (tmp_path / "local").mkdir()
    local = LocalRunner(tmp_path / "local", scenes)
    local.run(*segments)
    process = runner.start(*segments, "scoring.actors=2")
    time.sleep(25)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    runner.run(*segments, "scoring.actors=2")
    assert_same_run(runner.run_dir, local.run_dir)
    assert "segment" in queries(local.run_dir)[0][0]


def test_a_run_killed_among_its_stages_ends_the_same(runner, undisturbed):
    process = runner.start()
    while not (runner.run_dir / "iterations/000/manifest.json").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    time.sleep(random.Random(0).uniform(0, 2))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    runner.run()
    assert_same_run(runner.run_dir, undisturbed.run_dir)


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


def descendants(pid):
    """Processes below one of ours, as {pid: command line}."""
    parents, commands = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            commands[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue  # it has just ended
    below, found = {pid}, {}
    while new := {child for child, parent in parents.items() if parent in below} - below:
        below |= new
        found |= {child: commands[child] for child in new}
    return found


def test_killed_workers_are_replaced_and_the_run_ends_the_same(runner, undisturbed):
    """One process of each kind, in one run: each is killed when it first appears."""
    process = runner.start()
    waiting, deadline = {"RayTrainWorker", "ScoringWorker", "BoxSelector"}, time.monotonic() + 200
    while waiting and process.poll() is None and time.monotonic() < deadline:
        for pid, command in descendants(process.pid).items():
            # The process is named after its class as soon as its actor is up, and does its first work then.
            if command.startswith("ray::") and (name := next((name for name in waiting if name in command), None)):
                os.kill(pid, signal.SIGKILL)
                waiting.remove(name)
        time.sleep(0.05)
    output, _ = process.communicate(timeout=300)
    assert not waiting, output
    assert process.returncode == 0, output
    assert_same_run(runner.run_dir, undisturbed.run_dir)


@pytest.mark.long
def test_two_training_workers_repeat_themselves(runner, tmp_path):
    runner.run("training.workers=2", "iterations=1")
    first = queries(runner.run_dir)
    shutil.rmtree(runner.run_dir)
    runner.run("training.workers=2", "iterations=1")
    assert queries(runner.run_dir) == first


def test_ctrl_c_stops_with_one_line(runner):
    process = runner.start()
    while not (runner.run_dir / "run.json").exists():
        time.sleep(0.2)
    time.sleep(10)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=90)
    assert process.returncode == 130, output
    assert "goes on where it was" in output
    assert "Traceback" not in output

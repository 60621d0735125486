"""A cluster started as the README says, for jobs to be submitted to."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
RAY = str(Path(sys.executable).parent / "ray")


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def cluster(tmp_path):
    """A head node of its own in its own process group: nothing else on the machine is stopped."""
    port, dashboard = free_port(), free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {"HOME": str(tmp_path), "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
    command = [RAY, "start", "--head", "--block", f"--port={port}", "--dashboard-host=127.0.0.1"]
    command += [f"--dashboard-port={dashboard}", "--num-cpus=4", f"--ray-client-server-port={free_port()}"]
    # The agent that starts jobs listens on one fixed port otherwise: next to another cluster no job would ever start.
    command += [f"--dashboard-agent-listen-port={free_port()}"]
    head = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    environment |= {"RAY_ADDRESS": f"http://127.0.0.1:{dashboard}"}
    try:
        wait_for(dashboard)
        yield environment
    finally:
        head.send_signal(signal.SIGTERM)
        head.wait(timeout=60)


def wait_for(port):
    for _ in range(240):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.25)
    raise AssertionError("the cluster did not start")


@pytest.fixture
def submit(cluster):
    """Submits a job to the cluster and waits for its end, or for its start with --no-wait."""

    def call(*arguments):
        command = [RAY, "job", "submit", "--working-dir", ".", *arguments]
        for _ in range(8):
            done = subprocess.run(command, cwd=ROOT, env=cluster, capture_output=True, text=True, timeout=400)
            # The dashboard answers some time before the agent that starts jobs is there.
            if "No available agent" not in done.stdout + done.stderr:
                break
            time.sleep(2)
        return done

    return call

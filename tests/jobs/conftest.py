"""A cluster started as the README says, for jobs to be submitted to."""

import os
import subprocess
import time
from pathlib import Path

import pytest
from ray_head import RAY, ray_head

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The environment of commands that reach a cluster of this module's own; it asks for no token."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    home = str(tmp_path_factory.mktemp("home"))
    ours = {"HOME": home, "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    with ray_head(kept | ours) as reached:
        yield reached


@pytest.fixture(scope="module")
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

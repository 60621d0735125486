"""What a local Ray is started with, seen from inside it by a process of its own: settings are read once a process."""

import json
import os
import subprocess
import sys

import pytest

SEEN_INSIDE = """
import json, os, time, urllib.request
from raymeta.cluster.connection import ray_connection

with ray_connection("local"):
    import ray

    @ray.remote
    def arenas():
        return os.environ.get("MALLOC_ARENA_MAX")

    seen = ray.get([arenas.remote() for _ in range(20)])
    time.sleep(4)  # Ray reports tasks once a second, and metrics every other one
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{ray.nodes()[0]['MetricsExportPort']}/metrics") as answer:
            metrics = answer.read().decode().count("\\nray_")
    except OSError:
        metrics = 0
    print(json.dumps({"arenas": seen[0], "metrics": metrics, "tasks": len(ray.timeline())}))
"""

SETTINGS = ("MALLOC_ARENA_MAX", "RAY_enable_metrics_collection", "RAY_task_events_report_interval_ms")


def inside(**set_by_user: str) -> dict[str, object]:
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    command = [sys.executable, "-c", SEEN_INSIDE]
    done = subprocess.run(command, env=kept | set_by_user, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_local_ray_keeps_no_record_that_grows():
    assert inside() == {"arenas": "1", "metrics": 0, "tasks": 0}


@pytest.mark.slow
def test_what_the_user_has_set_stays():
    """Also the proof that the test above sees what would be there."""
    own = dict(zip(SETTINGS, ("3", "1", "500"), strict=True))
    seen = inside(**own)
    assert seen["arenas"] == "3"
    assert seen["metrics"] > 0
    assert seen["tasks"] >= 20

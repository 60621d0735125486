"""What a local Ray is started with and what is left of it, seen by processes of their own: settings are read once."""

import json
import os
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest

pytestmark = [pytest.mark.ray, pytest.mark.slow]

SEEN_INSIDE = """
import atexit, json, os, sys, time, urllib.request
from raymeta.cluster.connection import ray_connection

with ray_connection("local"):
    import ray

    @ray.remote
    def setting():
        return os.environ.get("MALLOC_ARENA_MAX"), sys.executable

    @ray.remote
    class Worker:
        def hangs(self, seconds):
            atexit.register(time.sleep, seconds)
            return os.getpid()

    def metrics():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{ray.nodes()[0]['MetricsExportPort']}/metrics") as answer:
                return answer.read().decode().count("\\nray_")
        except OSError:
            return 0

    arenas, executable = ray.get([setting.remote() for _ in range(20)])[0]
    worker = Worker.remote()
    hanging = ray.get(worker.hangs.remote(float(sys.argv[1])))
    del worker  # Ray lets it end by itself, and asks no more
    ends = time.monotonic() + float(sys.argv[2])
    while time.monotonic() < ends and not (metrics() and len(ray.timeline()) >= 20):
        time.sleep(0.2)
    seen = {"arenas": arenas, "metrics": metrics(), "tasks": len(ray.timeline())}
    print(json.dumps(seen | {"executable": executable, "mode": os.environ["RAY_AUTH_MODE"], "hanging": hanging}))
"""

SETTINGS = ("MALLOC_ARENA_MAX", "RAY_enable_metrics_collection", "RAY_task_events_report_interval_ms")


def seen_inside(python: str, home: Path, exit_s: int = 0, record_s: int = 4, **set_by_user: str) -> dict[str, object]:
    """exit_s: how long a worker hangs at its exit. record_s: how long both records of Ray are waited for at most; it
    reports tasks once a second, and metrics every other one.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_") and name not in SETTINGS}
    environment = kept | {"PYTHONPATH": os.pathsep.join(sys.path), "HOME": str(home)} | set_by_user
    command = [python, "-c", SEEN_INSIDE, str(exit_s), str(record_s)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]) | {"home": home, "python": python}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """With no setting of a user's, from an environment whose path a shell would split."""
    folder = tmp_path_factory.mktemp("plain")
    venv.create(folder / "neu er; it's $HOME", symlinks=True)
    return seen_inside(str(folder / "neu er; it's $HOME/bin/python"), folder, exit_s=600)


def test_it_asks_for_a_token_and_leaves_none_behind(plain):
    """0.1 left ~/.ray/auth_token, and `ray start` and `ray job submit` then didn't fit together."""
    assert plain["mode"] == "token"
    assert not (plain["home"] / ".ray").exists()


def test_its_workers_come_from_an_environment_whose_path_a_shell_would_split(plain):
    """They never came up, and Ray Train gave up after six minutes."""
    assert plain["executable"] == plain["python"]


def test_a_worker_that_hangs_at_its_exit_is_killed_with_it(plain):
    """A controller of Ray Train once outlived the demo so."""
    ends = time.monotonic() + 60
    while is_alive(plain["hanging"]):
        assert time.monotonic() < ends
        time.sleep(0.05)


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_it_keeps_no_record_that_grows(plain):
    assert [plain[name] for name in ("arenas", "metrics", "tasks")] == ["1", 0, 0]


def test_what_the_user_has_set_stays(tmp_path):
    """Also the proof that the test above sees what would be there."""
    seen = seen_inside(sys.executable, tmp_path, record_s=60, **dict(zip(SETTINGS, ("3", "1", "500"), strict=True)))
    assert seen["arenas"] == "3"
    assert seen["metrics"] > 0
    assert seen["tasks"] >= 20

"""What is told where a local Ray doesn't start, and whom it lets in."""

import errno
import os
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest

from raymeta.cluster.connection import start_remedy
from raymeta.cluster.local_processes import descendants, end_leftovers, session_processes

START = """
import os
from raymeta.cluster.connection import ray_connection

with ray_connection():
    import ray

    print(ray.get(ray.remote(lambda: 42).remote(), timeout=60), os.environ["RAY_AUTH_MODE"])
"""
LEAVES_ONE_HANGING = """
import atexit, os, time
from raymeta.cluster.connection import ray_connection

with ray_connection():
    import ray

    @ray.remote
    class Worker:
        def pid(self):
            atexit.register(time.sleep, 600)
            return os.getpid()

    worker = Worker.remote()
    print(ray.get(worker.pid.remote()))
    del worker  # Ray lets it end by itself, and asks no more
    time.sleep(1)
"""


def start(python=sys.executable, code=START, **environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    kept |= {"PYTHONPATH": os.pathsep.join(sys.path)} | environment
    return subprocess.run([python, "-c", code], env=kept, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (OSError("AF_UNIX path length cannot exceed 107 bytes: /x"), "RAY_TMPDIR"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "permissions"),
        (OSError(errno.ENOSPC, "No space left on device"), "free space"),
        (RuntimeError("timed out"), "raymeta doctor"),
    ],
)
def test_each_cause_has_its_remedy(error, remedy):
    assert remedy in start_remedy(error)


def test_a_home_that_can_not_be_written_is_named(monkeypatch):
    monkeypatch.setenv("HOME", "/nonexistent")
    assert "HOME /nonexistent" in start_remedy(PermissionError(errno.EACCES, "Permission denied", "/nonexistent"))


@pytest.mark.ray
@pytest.mark.slow
def test_a_local_ray_asks_for_a_token_and_leaves_none_behind(tmp_path):
    """0.1 left ~/.ray/auth_token, and `ray start` and `ray job submit` then didn't fit together."""
    done = start(HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["42", "token"]
    assert not (tmp_path / ".ray").exists()


@pytest.mark.ray
@pytest.mark.slow
def test_a_worker_that_hangs_at_its_exit_is_killed_with_its_local_ray(tmp_path):
    """A controller of Ray Train once outlived the demo so."""
    done = start(code=LEAVES_ONE_HANGING, HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    ends = time.monotonic() + 10
    while is_alive(int(done.stdout)):
        assert time.monotonic() < ends
        time.sleep(0.05)


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_only_the_process_that_was_meant_is_killed():
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        assert sleeper.pid in descendants(os.getpid())
        assert end_leftovers({sleeper.pid: -1}, patience_s=0.0) == []  # its pid, but another's start
        assert sleeper.poll() is None
        found = session_processes("sleep 60")
        assert end_leftovers({sleeper.pid: found[sleeper.pid]}, patience_s=0.0) == [sleeper.pid]
        assert sleeper.wait(10) == -signal.SIGKILL
        assert end_leftovers(found) == []


@pytest.mark.ray
@pytest.mark.slow
def test_an_environment_whose_path_a_shell_would_split(tmp_path):
    """Ray's workers never came up, and Ray Train gave up after six minutes."""
    folder = tmp_path / "neu er; it's $HOME"
    venv.create(folder, symlinks=True)
    done = start(python=str(folder / "bin/python"), HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["42", "token"]


@pytest.mark.ray
@pytest.mark.slow
def test_a_temporary_folder_that_is_too_long(tmp_path):
    folder = tmp_path / ("x" * 80)
    folder.mkdir()
    done = start(HOME=str(tmp_path), TMPDIR=str(folder))
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert "ConnectionFailedError" in last
    assert "set RAY_TMPDIR" in last
    assert "free memory" not in last


def test_a_user_without_any_home_gets_a_temporary_one():
    """Nobody knows user 12345, and HOME isn't set: neither Ray Train nor a look for a token works without a home."""
    code = (
        "import os, pathlib; from raymeta.cluster import connection as c; c._home_of_this_process(); "
        "print(pathlib.Path.home().is_dir(), c._has_token())"
    )
    command = ["unshare", "--user", "--map-user=12345", "--map-group=12345", sys.executable, "-c", code]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    if "unshare" in done.stderr:
        pytest.skip("no namespaces here")
    assert done.stdout == "True False\n", done.stderr

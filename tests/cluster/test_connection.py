"""What is told where a local Ray doesn't start; which processes are ended with it."""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from raymeta.cluster import connection
from raymeta.cluster.connection import start_remedy
from raymeta.cluster.local_processes import command_line, descendants, end_leftovers, session_processes
from raymeta.errors import EXIT_FAILED, RunFailedError, end_of


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
def test_a_temporary_folder_that_is_too_long(tmp_path):
    folder = tmp_path / ("x" * 80)
    folder.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment = kept | {"PYTHONPATH": os.pathsep.join(sys.path), "HOME": str(tmp_path), "TMPDIR": str(folder)}
    code = "from raymeta.cluster.connection import ray_connection as c; c().__enter__()"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert "RunFailedError" in last
    assert "set RAY_TMPDIR" in last
    assert "free memory" not in last


def test_a_local_ray_that_does_not_start_is_no_bad_input(monkeypatch):
    def no_memory():
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(connection, "_start_local", no_memory)
    with pytest.raises(RunFailedError) as failed, connection.ray_connection("local"):
        pass
    code, text = end_of(failed.value)
    assert code == EXIT_FAILED
    assert "Cannot allocate memory" in text


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


def test_a_ray_that_comes_up_too_late_is_started_anew_and_what_is_left_of_it_ended(monkeypatch):
    told, left = [], []

    def init(**_):
        told.append("init")
        if told.count("init") < wanted:
            left.append(subprocess.Popen(["bash", "-c", "exec -a /tmp/ray/session_x/gcs_server sleep 60"]))
            while "session_x" not in command_line(left[-1].pid):
                time.sleep(0.01)
            raise Exception("The current node timed out during startup. This could happen")

    monkeypatch.setattr(connection.ray, "init", init)
    monkeypatch.setattr(connection.ray, "shutdown", lambda: told.append("shutdown"))
    wanted = 3
    connection._start_local()
    assert told == ["init", "shutdown", "init", "shutdown", "init"]
    assert [process.wait(10) for process in left] == [-signal.SIGKILL] * 2
    told.clear()
    wanted = 99
    with pytest.raises(Exception, match="timed out during startup"):
        connection._start_local()
    assert told.count("init") == 3
    left[-1].kill()
    told.clear()
    monkeypatch.setattr(connection.ray, "init", lambda **_: (_ for _ in ()).throw(RuntimeError("no such file")))
    with pytest.raises(RuntimeError, match="no such file"):
        connection._start_local()
    assert told == []

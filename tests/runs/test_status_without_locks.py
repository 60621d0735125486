"""What `status` knows of a run whose storage has no file locks: its processes renew a lease there."""

import json
import os
import time
from pathlib import Path

import pytest
from synthetic_runs import write_run

from raymeta.cli import main
from raymeta.runs import run_store
from raymeta.runs.run_lease import LEASES
from raymeta.runs.run_lock import NoLocksError
from raymeta.runs.run_status import run_status


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An unfinished run on a file system without locks."""

    def no_locks(*_):
        raise NoLocksError("no locks here")

    monkeypatch.setattr(run_store, "hold_lock", no_locks)
    store = write_run(tmp_path / "run", "random_box", iterations=2)
    config = store.load_config()
    store.create(config.model_copy(update={"iterations": 5}))
    return store


def leave_lease(store, seconds, **more):
    """A lease of a process elsewhere that was renewed so many seconds ago."""
    path = Path(store.location) / LEASES / "elsewhere.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        json.dumps({"pid": 4711, "host": "node-7", "machine": "another:pid", "since": "…", "beat": 3} | more)
    )
    os.utime(path, (time.time() - seconds,) * 2)


def test_a_run_that_goes_on_is_told_to_run(store):
    assert run_status(store.location).state == "stopped"
    with store.lock():
        status = run_status(store.location)
        assert status.state == "running"
        assert f"process {os.getpid()}" in status.holder
    assert run_status(store.location).state == "stopped"


def test_so_is_one_of_another_machine_while_its_lease_is_renewed(store):
    leave_lease(store, 6)
    status = run_status(store.location)
    assert status.state == "running"
    assert "node-7" in status.holder
    assert status.last_seen is None


def test_an_old_lease_is_told_with_its_age(store, capsys):
    leave_lease(store, 600)
    status = run_status(store.location)
    assert (status.state, status.holder) == ("stopped", None)
    assert "4711" in status.last_seen
    assert "10 min" in status.last_seen
    assert main(["status", store.location]) == 0
    told = capsys.readouterr().out
    assert "node-7" in told
    assert "nothing works on it;" not in told  # nobody knows


def test_a_damaged_lease_tells_nothing(store):
    leave_lease(store, 3, pid="?")
    path = Path(store.location) / LEASES / "elsewhere.json"
    path.write_text("{")
    assert run_status(store.location).state == "stopped"

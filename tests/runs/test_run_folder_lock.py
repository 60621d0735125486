"""One process at a time works in a run folder; a killed one is forgotten."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from raymeta.runs.run_store import RunError, RunStore
from raymeta.schemas import SPLIT_SCHEMA

SPLIT = pa.Table.from_pylist([{"image_id": "ä", "split": "pool"}, {"image_id": "b", "split": "meta"}], SPLIT_SCHEMA)

HOLD = """
import sys, time
from raymeta.runs.run_format import run_to_bytes
from raymeta.runs.run_store import RunStore
with RunStore(sys.argv[1]).lock():
    print("held", flush=True)
    time.sleep(60)
"""


def test_second_live_process_is_refused_and_a_killed_one_forgotten(tmp_path: Path) -> None:
    store = RunStore(str(tmp_path / "run"))
    with subprocess.Popen([sys.executable, "-c", HOLD, store.location], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(RunError, match=rf"in use by process {other.pid} "), store.lock():
            pass
        other.kill()
    assert (tmp_path / "run" / "lock.json").exists()
    with store.lock(), pytest.raises(RunError, match="in use"), store.lock():
        pass
    assert not (tmp_path / "run" / "lock.json").exists()


@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe"])
@pytest.mark.timeout(20)
def test_only_a_file_of_its_own_is_the_lock(tmp_path: Path, kind: str) -> None:
    store = RunStore(str(tmp_path / "run"))
    lock, target = tmp_path / "run" / "lock.json", tmp_path / "thesis.txt"
    lock.parent.mkdir()
    if kind == "pipe":
        os.mkfifo(lock)
    else:
        lock.symlink_to(target)
    if kind == "link":
        target.write_text("years of work")
    with pytest.raises(RunError, match=rf"{lock} .*remove it"), store.lock():
        pass
    assert target.exists() == (kind == "link")
    assert not target.exists() or target.read_text() == "years of work"


@pytest.mark.parametrize("content", ["[" * 100_000, '{"pid": ' * 100_000, "\xff", ""])
def test_a_held_lock_says_so_whatever_it_holds(tmp_path: Path, content: str) -> None:
    store = RunStore(str(tmp_path / "run"))
    with store.lock():
        (tmp_path / "run" / "lock.json").write_text(content)
        with pytest.raises(RunError, match="in use by another process"), store.lock():
            pass

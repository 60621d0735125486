"""Copies on the local disk: bounded, whole, and shared by processes."""

import os
import subprocess
import sys
import time

import pytest

from raymeta.datasets.file_cache import DIGEST_BYTES, MAX_AGE_OF_TEMPORARY_S, FileCache

KEYS = [f"{number:040x}" for number in range(2**152, 2**152 + 50)]


def held(folder):
    return sum(path.stat().st_size for path in folder.glob("*/*"))


def test_content_comes_back(tmp_path):
    FileCache(tmp_path / "new", 1000).put(KEYS[0], b"pixels")
    assert FileCache(tmp_path / "new", 1000).get(KEYS[0]) == b"pixels"
    assert FileCache(tmp_path / "new", 1000).get(KEYS[1]) is None


def test_a_copy_whose_time_can_not_be_set_is_good(tmp_path, monkeypatch):
    FileCache(tmp_path, 1000).put(KEYS[0], b"pixels")

    def refuse(*_, **__):
        raise PermissionError("another user's")

    monkeypatch.setattr(os, "utime", refuse)
    assert FileCache(tmp_path, 1000).get(KEYS[0]) == b"pixels"


def test_what_was_not_read_for_longest_goes_first(tmp_path):
    cache = FileCache(tmp_path, 10 * (100 + DIGEST_BYTES))
    for key in KEYS[:10]:
        cache.put(key, bytes(100))
    now = time.time_ns()
    for age, key in enumerate(KEYS[:10]):
        os.utime(cache.folder / key[:2] / key, ns=(now - age * 10**9,) * 2)
    assert cache.get(KEYS[9]) == bytes(100)
    cache.put(KEYS[10], bytes(100))
    kept = {key for key in KEYS[:11] if cache.get(key) is not None}
    # 9/10 of the bound before the new copy, which is one of them.
    assert kept == {*KEYS[:8], KEYS[9], KEYS[10]} - {KEYS[8]}


def test_the_bound_holds_whatever_is_put(tmp_path):
    cache = FileCache(tmp_path, 5000)
    for number, key in enumerate(KEYS):
        cache.put(key, bytes(37 * number))
        assert held(tmp_path) <= 5000
    cache.put(KEYS[0], bytes(4999))  # with its checksum it can't be kept within the bound
    assert cache.get(KEYS[0]) is None
    assert FileCache(tmp_path, 0).put(KEYS[1], b"x") is None


def test_the_count_survives_its_loss(tmp_path):
    cache = FileCache(tmp_path, 2000)
    for key in KEYS[:10]:
        cache.put(key, bytes(150))
    (tmp_path / "bytes").write_text("no number")
    for key in KEYS[10:30]:
        cache.put(key, bytes(150))
        assert held(tmp_path) <= 2000


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"", lambda data: b"y" + data[1:]])
def test_a_torn_copy_is_never_taken(tmp_path, damage):
    cache = FileCache(tmp_path, 1000)
    cache.put(KEYS[0], b"xpixels")
    path = tmp_path / KEYS[0][:2] / KEYS[0]
    path.write_bytes(damage(path.read_bytes()))
    assert cache.get(KEYS[0]) is None
    cache.put(KEYS[0], b"xpixels")
    assert cache.get(KEYS[0]) == b"xpixels"


def test_a_folder_that_cannot_be_written_is_told_once(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    cache = FileCache(tmp_path / "file", 1000)
    for key in KEYS[:2]:
        cache.put(key, b"pixels")
        assert cache.get(key) is None
    assert len(caplog.records) == 1


def test_files_of_killed_writers_are_removed(tmp_path):
    cache = FileCache(tmp_path, 300)
    cache.put(KEYS[0], bytes(200))
    for name, age in (("old", 2 * MAX_AGE_OF_TEMPORARY_S), ("new", 0.0)):
        (tmp_path / f".{name}.tmp").write_bytes(b"half")
        os.utime(tmp_path / f".{name}.tmp", (time.time() - age,) * 2)
    cache.put(KEYS[1], bytes(200))
    assert [path.name for path in tmp_path.glob(".*.tmp")] == [".new.tmp"]


PROCESS = """
import random, sys
from pathlib import Path
from raymeta.datasets.file_cache import FileCache
folder, seed = Path(sys.argv[1]), int(sys.argv[2])
cache, draws = FileCache(folder, 20_000), random.Random(seed)
for _ in range(300):
    number = draws.randrange(60)
    data = bytes([number]) * (number * 20)
    found = cache.get(f"{number:040x}")
    assert found in (None, data), number
    if found is None:
        cache.put(f"{number:040x}", data)
    held = sum(path.stat().st_size for path in folder.glob("*/*") if path.exists()) if draws.random() < 0.05 else 0
    assert held <= 20_000, held
"""


def test_several_processes_share_it_within_the_bound(tmp_path):
    processes = [
        subprocess.Popen([sys.executable, "-c", PROCESS, str(tmp_path), str(seed)], stderr=subprocess.PIPE, text=True)
        for seed in range(3)
    ]
    for process in processes:
        _, error = process.communicate(timeout=60)
        assert process.returncode == 0 or "FileNotFoundError" in error, error
    assert held(tmp_path) <= 20_000

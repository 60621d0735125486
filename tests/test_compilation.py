"""Compiled functions are cached wherever the package lies and whoever runs it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from raymeta.local_files import own_temporary_folder

MODULE = """
from raymeta.compilation import njit

@njit(cache=True, nogil=True)
def double(x):
    return 2 * x

print(double(21), sum(double.stats.cache_hits.values()))
"""


def run_module(folder, **environment):
    kept = {name: value for name, value in os.environ.items() if name not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    path = os.pathsep.join([str(folder), *sys.path])
    return subprocess.run(
        [sys.executable, "-c", "import compiled_module"],
        cwd=folder,
        env=kept | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": path} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_neither_package_nor_home_can_be_written(tmp_path):
    """A file in the place of a folder can't be written to by anybody, not even by root."""
    (tmp_path / "compiled_module.py").write_text(MODULE)
    (tmp_path / "__pycache__").write_text("")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {"HOME": "/dev/null/nowhere", "TMPDIR": str(temporary)}
    first, second = (run_module(tmp_path, **environment) for _ in range(2))
    assert (first.stdout, first.stderr) == ("42 0\n", "")
    assert (second.stdout, second.stderr) == ("42 1\n", "")  # from the cache
    assert [path.name for path in temporary.glob("raymeta-numba-*")] == [f"raymeta-numba-{os.getuid()}"]


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_kept_code_that_was_cut_short_is_compiled_anew(tmp_path, suffix):
    """numba's issue 10434: a process killed while it writes leaves such files, and all later ones end in EOFError."""
    (tmp_path / "compiled_module.py").write_text(MODULE)
    cache = tmp_path / "cache"
    assert run_module(tmp_path, NUMBA_CACHE_DIR=str(cache)).stdout == "42 0\n"
    (kept,) = cache.rglob(f"*.{suffix}")
    kept.write_bytes(kept.read_bytes()[:40] if suffix == "nbc" else b"")
    first, second = (run_module(tmp_path, NUMBA_CACHE_DIR=str(cache)) for _ in range(2))
    assert (first.stdout, first.stderr) == ("42 0\n", "")
    assert (second.stdout, second.stderr) == ("42 1\n", "")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_an_unknown_user_without_a_home():
    """As `podman run --user 12345` and OpenShift do."""
    command = [sys.executable, "-c", "import raymeta.acquisition.pool_scoring; print('works')"]
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONPATH": os.pathsep.join(sys.path)}
    user = {"user": 12345, "group": 12345, "extra_groups": []}
    try:
        done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, timeout=300, **user)
    except PermissionError:
        pytest.skip("another user can't start this Python")
    assert (done.stdout, done.returncode) == ("works\n", 0), done.stderr


@pytest.mark.parametrize("kind", ["link", "open", "file"])
def test_a_folder_that_others_prepared_is_not_taken(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    expected = tmp_path / f"raymeta-numba-{os.getuid()}"
    if kind == "link":
        (tmp_path / "theirs").mkdir()
        expected.symlink_to(tmp_path / "theirs")
    elif kind == "open":
        expected.mkdir()
        expected.chmod(0o777)
    else:
        expected.write_text("")
    found = Path(own_temporary_folder("raymeta-numba"))
    assert found != expected
    assert found.is_dir()
    assert found.stat().st_mode & 0o077 == 0

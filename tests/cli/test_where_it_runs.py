"""Machines and shells as people have them: few open files, little shared memory, no home, no terminal, a proxy."""

import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import yaml
from tiny_settings import TINY, child_environment, tiny_values, write_scenes

import raymeta

pytestmark = pytest.mark.slow

ONE_ITERATION = {
    "iterations": 1,
    "training": TINY["training"] | {"max_epochs": 1},
    "acquisition": TINY["acquisition"] | {"strategy": "random_box"},
}
RAYMETA = [sys.executable, "-m", "raymeta"]
DEAD_PROXY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder that everybody may read, with scenes and a config, both with spaces and non-ASCII names."""
    folder = tmp_path_factory.mktemp("Öde Straße")
    scenes = write_scenes(folder / "Bilder ü")
    values = tiny_values(scenes, "läufe/eins") | ONE_ITERATION
    (folder / "mein config.yaml").write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    return folder


@pytest.fixture
def place(folder, tmp_path):
    """A copy to run in."""
    shutil.copytree(folder, tmp_path / "hier", dirs_exist_ok=True)
    return tmp_path / "hier"


def run(place, *prefix, words=("--local",), environment=None, **more):
    """`raymeta run` of the config, behind a prefix such as `nohup`; gives the finished process.

    environment: variables that differ; None takes one away.
    """
    values = child_environment(place) | {"PYTHONPATH": os.pathsep.join(sys.path)} | (environment or {})
    done = subprocess.run(
        [*prefix, *RAYMETA, "run", "mein config.yaml", *words],
        cwd=place,
        env={name: value for name, value in values.items() if value is not None},
        capture_output=True,
        text=True,
        timeout=400,
        stdin=subprocess.DEVNULL,
        **more,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    assert (place / "läufe/eins/iterations/000/query.parquet").exists()
    return done


def in_little_shared_memory(place, environment):
    """A run on Ray below a /dev/shm of 64 MiB, as containers have it; skips where a mount isn't allowed."""
    mount = "mount -t tmpfs -o size=64m tmpfs /dev/shm"
    allowed = subprocess.run(["unshare", "--mount", "sh", "-c", mount], capture_output=True, check=False)
    if allowed.returncode:
        pytest.skip("no mounts here")
    return run(
        place, "unshare", "--mount", "sh", "-c", f'{mount} && exec "$@"', "sh", words=(), environment=environment
    )


def test_nohup_with_few_open_files_behind_a_dead_proxy_and_then_a_narrow_terminal(place):
    names = [name for kind in ("http", "https", "all") for name in (f"{kind}_proxy", f"{kind.upper()}_PROXY")]
    environment = dict.fromkeys(names, DEAD_PROXY) | {"TERM": "dumb"}
    told = run(place, "setsid", "nohup", "sh", "-c", 'ulimit -n 256 && exec "$@"', "sh", environment=environment).stdout
    assert "random_box 1/1: train network …" in told
    assert "\x1b[" not in told
    status_in_60_columns(place)


def status_in_60_columns(place):
    """Lines are as wide as the terminal, and the table is whole."""
    ours, theirs = pty.openpty()
    environment = child_environment(place) | {"COLUMNS": "60", "TERM": "xterm-256color", "NO_COLOR": "1"}
    ends = dict.fromkeys(("stdin", "stdout", "stderr"), theirs)
    process = subprocess.Popen([*RAYMETA, "status", "läufe/eins"], cwd=place, env=environment, **ends)
    os.close(theirs)
    told = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        told += part
    assert process.wait(60) == 0
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", told.decode().replace("\r", "")).splitlines()
    assert max(map(len, lines)) <= 60
    assert not any("…" in line for line in lines)  # what doesn't fit is on the next line


@pytest.mark.parametrize("home", [None, pytest.param("/dev/null/nowhere", marks=pytest.mark.long)])
def test_nobodys_user_without_a_home_and_a_package_that_is_read_only(place, home):
    """As OpenShift and `podman run --user 12345` start a container: no entry in passwd, one volume to write to."""
    run(place, *_as_nobody(), environment=_bare(home))
    assert (place / "läufe/eins/report/report.html").exists()


@pytest.mark.ray
@pytest.mark.long
def test_ray_for_nobodys_user(place):
    run(place, *_as_nobody(), words=(), environment=_bare(None))


def _as_nobody():
    """A prefix: this package read-only, and a user whom nobody knows; skips where namespaces aren't allowed."""
    package = shlex.quote(str(Path(raymeta.__file__).parent))
    read_only = f"mount --bind {package} {package} && mount -o remount,ro,bind {package}"
    nobody = "unshare --user --map-user=12345 --map-group=12345"
    prefix = ["unshare", "--mount", "sh", "-c", f'{read_only} && exec {nobody} "$@"', "sh"]
    tried = subprocess.run([*prefix, "id", "-u"], capture_output=True, text=True, check=False)
    if tried.stdout.strip() != "12345":
        pytest.skip("no namespaces here")
    assert subprocess.run([*prefix, "touch", f"{raymeta.__file__}.new"], capture_output=True, check=False).returncode
    return prefix


def _bare(home):
    """HOME as it is in such a container: None where it isn't set at all."""
    return {"HOME": home, "XDG_CACHE_HOME": None, "NUMBA_CACHE_DIR": None, "USER": None, "LOGNAME": None}


@pytest.mark.ray
@pytest.mark.long
def test_ray_with_few_open_files_and_little_shared_memory(place):
    few = partial(run, place, "sh", "-c", 'ulimit -n 1024 && exec "$@"', "sh", words=())
    few()
    shutil.rmtree(place / "läufe")
    in_little_shared_memory(place, {})


NOTEBOOK = """
import asyncio
import raymeta
from raymeta.cli import main

asyncio.get_running_loop()  # a kernel's own
assert main(["run", "mein config.yaml"{words}]) == 0
run = raymeta.open_run("läufe/eins")
print(run.iterations(), run.query(0).num_rows)
"""


@pytest.mark.parametrize("words", [', "--local"', pytest.param("", marks=[pytest.mark.ray, pytest.mark.long])])
def test_a_notebook(place, words, monkeypatch):
    """A kernel has an event loop, no terminal, and a stdout without a file number."""
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    for name, value in child_environment(place).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.setenv("IPYTHONDIR", str(place / "ipython"))
    kernel = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK.replace("{words}", words))])
    nbclient.NotebookClient(kernel, timeout=400, resources={"metadata": {"path": str(place)}}).execute()
    texts = [part.get("text") or part.get("data", {}).get("text/plain", "") for part in kernel.cells[0].outputs]
    told = "\n".join(texts)
    assert "iteration 1/1" in told
    assert told.strip().endswith("[0] 20")
    assert Path(place / "läufe/eins/report/report.html").exists()

"""A run made by `raymeta run`, and served by this process or by `raymeta serve`, as the process that a user starts."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from tiny_runs import serving

from raymeta.cli import main
from raymeta.service.http.app import create_app
from raymeta.service.scoring.local_backend import LocalBackend
from raymeta.service.settings import ServiceSettings

TOKEN = "browser-test"
READY_S = 300


def environment(home: Path) -> dict[str, str]:
    """Environment of a child: its own HOME, since Ray may write a token there, and no cluster named."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "RAYMETA_"))}
    return kept | {"HOME": str(home), "RAY_AUTH_MODE": "disabled"}


def make_run(folder: Path, config: Mapping[str, Any], name: str = "run") -> Path:
    """Run an experiment below `folder`, in this process; gives its run folder."""
    run_dir = folder / name
    (folder / "config.yaml").write_text(yaml.safe_dump({**config, "run_dir": str(run_dir)}))
    assert main(["run", str(folder / "config.yaml"), "--local"]) == 0
    return run_dir


class ServedRun:
    """A service that listens. `held_back`: iterations that were committed, but are hidden from it."""

    def __init__(self, url: str, run_dir: Path, store: Path) -> None:
        self.url = url
        self.run_dir = run_dir
        self._store = store
        self.client = httpx.Client(base_url=url, timeout=60, headers={"Authorization": f"Bearer {TOKEN}"})

    def json(self, path: str, **query: Any) -> Any:
        """Answer of a GET of /v1."""
        answer = self.client.get(f"/v1/{path}", params=query)
        answer.raise_for_status()
        return answer.json()

    def publish(self) -> int:
        """Commit the next iteration that was held back; gives its number."""
        waiting = min(self._store.iterdir(), key=lambda folder: folder.name)
        waiting.rename(self.run_dir / "iterations" / waiting.name)
        return int(waiting.name)

    def image_ids(self, **query: Any) -> list[str]:
        """Ids of the pool in the order of a query."""
        return [row["image_id"] for row in self.json("pool", **query)["images"]]


def _held_back(run_dir: Path, folder: Path, hold_back: int) -> Path:
    store = folder / "held_back"
    store.mkdir()
    for finished in sorted((run_dir / "iterations").iterdir())[-hold_back:] if hold_back else []:
        shutil.move(finished, store / finished.name)
    return store


@contextmanager
def serve_here(run_dir: Path, folder: Path, hold_back: int = 0) -> Iterator[ServedRun]:
    """A service in this process, with a token; the last `hold_back` iterations stay hidden at first."""
    store = _held_back(run_dir, folder, hold_back)
    settings = ServiceSettings(str(run_dir), token=TOKEN, threads=1, access_log=str(folder / "access.log"))
    with serving(create_app(settings, LocalBackend(settings))) as url:
        yield ServedRun(url, run_dir, store)


@contextmanager
def serve_run(run_dir: Path, folder: Path, hold_back: int = 0) -> Iterator[ServedRun]:
    """`raymeta serve`, with a token, until the block ends; the last `hold_back` iterations stay hidden at first."""
    store = _held_back(run_dir, folder, hold_back)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "raymeta", "serve", str(run_dir), "--port", str(port), "--ingresses", "1"]
    log = (folder / "serve.log").open("w+")
    process = subprocess.Popen(
        [*command, "--threads", "1", "--access-log", str(folder / "access.log")],
        env=environment(folder) | {"RAYMETA_TOKEN": TOKEN},
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        served = ServedRun(f"http://127.0.0.1:{port}", run_dir, store)
        _wait_until_ready(served, process, log.name)
        yield served
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        log.close()


def _wait_until_ready(served: ServedRun, process: subprocess.Popen[bytes], log: str) -> None:
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        assert process.poll() is None, Path(log).read_text()
        try:
            if served.client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass  # it doesn't listen yet
        time.sleep(0.3)
    raise AssertionError(f"not ready after {READY_S} s: {Path(log).read_text()}")

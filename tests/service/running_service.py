"""A running `raymeta serve`: its own process, Ray Serve, sockets."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx


class Service:
    """A running `raymeta serve`."""

    def __init__(self, location: str, folder: Path, *arguments: str) -> None:
        self.access_log = folder / "access.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY")}
        environment = kept | {"HOME": str(folder), "RAY_AUTH_MODE": "disabled"}
        command = [sys.executable, "-m", "raymeta", "serve", location, "--port", str(self.port), *arguments]
        command += ["--threads", "1", "--queue", "6", "--access-log", str(self.access_log), "--max-body-mb", "1"]
        self.log = folder / "service.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def __enter__(self) -> "Service":
        try:
            wait_for(lambda: self.ready()["ready"], self, seconds=240)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        code = self.close()
        assert error[0] is not None or code == 0, self.log.read_text()

    def close(self) -> int:
        """Stop it as a user does; gives its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise

    def ready(self) -> dict[str, object]:
        try:
            answer = httpx.get(f"{self.url}/readyz", timeout=10)
        except httpx.TransportError:
            return {"ready": False}
        return dict(answer.json()) if answer.headers["content-type"] == "application/json" else {"ready": False}

    def pids(self, deployment: str) -> list[int]:
        """Processes of a deployment that descend from this service."""
        parents, names = {}, {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdecimal():
                try:
                    parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                    names[int(folder.name)] = (folder / "cmdline").read_text()
                except (OSError, ProcessLookupError):
                    continue  # it has ended meanwhile
        return [pid for pid, name in names.items() if f":{deployment}" in name and self._owns(pid, parents)]

    def _owns(self, pid: int, parents: dict[int, int]) -> bool:
        while pid in parents:
            if pid == self.process.pid:
                return True
            pid = parents[pid]
        return False


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(condition: Callable[[], object], service: Service, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert service.process.poll() is None, service.log.read_text()
        assert time.monotonic() < end, f"{service.ready()}\n{service.log.read_text()}"
        time.sleep(0.1)

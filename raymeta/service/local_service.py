"""A service in a process of its own, without Ray: for the command that runs an experiment beside its page."""

import multiprocessing
import signal
import threading
from multiprocessing.connection import Connection, wait
from types import FrameType
from typing import Final

from raymeta.errors import InputError, RunFailedError, end_of
from raymeta.service.settings import ServiceSettings

READY_S: Final = 300.0
STOP_S: Final = 10.0
"""Seconds that requests under way get to end."""


class LocalService:
    """Serves a run until it is closed, or the process that started it is gone, however it went."""

    def __init__(self, settings: ServiceSettings, host: str, port: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._tells, telling = context.Pipe(duplex=False)
        arguments = (settings, host, port, telling)
        self._process = context.Process(target=_serve, args=arguments, name="raymeta-page", daemon=True)
        self._process.start()
        telling.close()

    def open(self) -> None:
        """Wait until it listens.

        Raises:
            ValueError, RunFailedError: it didn't start; the message holds its reason.
        """
        if not self._tells.poll(READY_S):
            self.close()
            raise RunFailedError(f"the page didn't start within {READY_S:.0f} s: start the command again")
        try:
            fault = self._tells.recv()
        except EOFError:
            fault = "its process ended at once"
        if fault is not None:
            self.close()
            raise InputError(f"the page didn't start: {fault}")

    def sleep(self, seconds: float) -> None:
        """Pause, as long as it serves.

        Raises:
            RunFailedError: it has ended.
        """
        self._process.join(seconds)
        if not self._process.is_alive():
            raise RunFailedError("the page has ended: start the same command again; every answer that was sent is kept")

    def close(self) -> None:
        """End it: requests under way are answered first."""
        self._process.terminate()
        self._process.join(STOP_S)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()


def _serve(settings: ServiceSettings, host: str, port: int, telling: Connection) -> None:
    """Serve in this process, until SIGTERM or the end of the parent; Ctrl-C is the parent's to answer."""
    stop = threading.Event()

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, ask_to_stop)
    try:
        server = _Server(settings, host, port)
        server.start()
    except Exception as error:
        telling.send(end_of(error)[1])
        return
    telling.send(None)
    parent = multiprocessing.parent_process()
    assert parent is not None
    while not stop.is_set() and not wait([parent.sentinel], 0.2):
        pass
    server.stop()


class _Server:
    """An HTTP server in a thread, so that signals stay with this process's main thread."""

    def __init__(self, settings: ServiceSettings, host: str, port: int) -> None:
        import torch
        import uvicorn

        from raymeta.service.http.app import create_app
        from raymeta.service.scoring.local_backend import LocalBackend

        torch.set_num_threads(settings.threads)
        backend = LocalBackend(settings)
        backend.watch()
        app = create_app(settings, backend)
        config = uvicorn.Config(app, host, port, log_level="error", access_log=False, timeout_graceful_shutdown=5)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def start(self) -> None:
        """Listen.

        Raises:
            OSError: it can't.
        """
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.05)
            if not self._thread.is_alive():
                raise OSError("nothing can listen there: choose another --port")

    def stop(self) -> None:
        """Answer what is under way, and end."""
        self._server.should_exit = True
        self._thread.join(STOP_S)

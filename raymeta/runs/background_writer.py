"""Writes the newest work to the run folder while the work goes on."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class BackgroundWriter(Generic[T]):
    """A thread that writes what is put, at once; what is put during a write is joined and goes into the next one.

    So the caller never waits for the store, each item is durable as soon as the store allows, and a store that is
    slower than the work gets fewer and larger writes instead of a growing queue.

    write: called in the thread. join: makes one item of one that waits and a newer one.
    """

    def __init__(self, write: Callable[[T], None], join: Callable[[T, T], T]) -> None:
        self._write = write
        self._join = join
        self._waiting: list[T] = []  # none or one
        self._error: Exception | None = None
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="background-writer", daemon=True)
        self._thread.start()

    def put(self, item: T) -> None:
        """Have an item written. Raises what an earlier write raised."""
        with self._changed:
            if self._error is not None:
                raise self._error
            self._waiting = [self._join(self._waiting[0], item)] if self._waiting else [item]
            self._changed.notify_all()

    def close(self) -> None:
        """Write what waits and end. Raises what a write raised."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def is_alive(self) -> bool:
        """Whether it still writes: not after `close`, nor after a write that raised."""
        return self._thread.is_alive()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except Exception:
            if error is None:  # else the block's own error is the one to tell
                raise

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                item = self._waiting.pop()
            try:
                self._write(item)
            except Exception as error:  # the thread's only way to tell: put() and close() raise it in the caller
                with self._changed:
                    self._error = error
                return

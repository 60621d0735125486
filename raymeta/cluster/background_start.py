"""Something that is entered, and left, in a thread of its own, while others go on."""

import threading
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Generic, TypeVar

T = TypeVar("T")


class BackgroundStart(Generic[T]):
    """A context manager that a thread enters and, once it is told to, leaves.

    One thread does both, and lives as long: Linux ends the processes of a local Ray with the thread that started them.
    """

    def __init__(self, manager: AbstractContextManager[T]) -> None:
        """Begin to enter it."""
        self._manager = manager
        self._value: Future[T] = Future()
        self._leave = threading.Event()
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._hold, name="background-start")
        self._thread.start()

    def _hold(self) -> None:
        try:
            with self._manager as value:
                self._value.set_result(value)
                self._leave.wait()
        except BaseException as error:  # the thread's only way to tell: `value` or `close` raises it
            if self._value.done():
                self._fault = error
            else:
                self._value.set_exception(error)

    def value(self) -> T:
        """Wait for what entering gives; raises what entering raised."""
        return self._value.result()

    def close(self) -> None:
        """Leave it, once it is entered, and wait; raises what leaving raised. A second call does nothing more."""
        self._leave.set()
        self._thread.join()
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault

"""Ray gives a new node 30 s to come up, which a busy machine may need longer than: here it gets them while it lives."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from raymeta.cluster.local_processes import command_line, descendants

START_S: Final = 300.0
RAYLET: Final = "/raylet/raylet "


@contextmanager
def patient_start(patience_s: float = START_S) -> Iterator[None]:
    """Within the block a Ray that starts here is waited for as long as its raylet lives; Ray has no setting for that.

    Args:
        patience_s: seconds of waiting at most.
    """
    from ray._private import services

    asked: Callable[..., Any] | None = getattr(services, "get_node", None)
    if asked is None:  # another version of Ray, which waits as long as it likes
        yield
        return

    def get_node(*arguments: Any, **named: Any) -> Any:
        ends = time.monotonic() + patience_s
        while True:
            try:
                return asked(*arguments, **named)
            except RuntimeError:  # it isn't registered yet
                if time.monotonic() > ends or not _raylet_lives():
                    raise
            time.sleep(0.1)

    services.get_node = get_node
    try:
        yield
    finally:
        services.get_node = asked


def _raylet_lives() -> bool:
    return any(RAYLET in command_line(pid) for pid in descendants(os.getpid())[1:])

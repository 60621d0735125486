"""What a service says while it starts: importing torch in each process takes up to a minute on a small machine."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console

EVERY_S: Final = 10.0


@contextmanager
def start_progress(console: Console, app: str, every_s: float = EVERY_S) -> Iterator[None]:
    """Print a line every so many seconds while the block runs, with what runs already."""
    done = threading.Event()
    started = time.monotonic()

    def tell() -> None:
        while not done.wait(every_s):
            states = ", ".join(_running(app)) or "Ray Serve itself"
            console.print(f"still starting after {time.monotonic() - started:.0f} s: {states}", highlight=False)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()


def _running(app: str) -> list[str]:
    """Each deployment with the number of its replicas that run."""
    from ray import serve
    from ray.exceptions import RayError
    from ray.serve.schema import ReplicaState

    try:
        found = serve.status().applications.get(app)
    except (RuntimeError, RayError):  # Serve's controller isn't there yet
        return []
    return [
        f"{name} {deployment.replica_states.get(ReplicaState.RUNNING, 0)} of {sum(deployment.replica_states.values())}"
        for name, deployment in (found.deployments.items() if found else ())
    ]

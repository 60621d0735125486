"""`raymeta run` as a fork of a process that has imported everything: a real driver that starts in no time.

Reads JSON lines and answers each with one: `{"run": [config, …], "environment", "output", "die_after"}` starts a
driver in a session of its own and gives its process id; `{"wait": pid, "seconds"}` gives its exit status, negative for
the signal that ended it, or null if it still runs.
"""

import json
import os
import signal
import sys
import time
from typing import Any

from dying_driver import die_after_commit

from raymeta.cli import main


def import_everything() -> None:
    """What a run imports after its start; nothing here may start a thread, which a fork would lose."""
    import catboost  # noqa: F401
    import ray.data
    import ray.train.torch  # noqa: F401
    import torch

    import raymeta.acquisition.pool_scoring
    import raymeta.cluster.experiment
    import raymeta.report.page  # noqa: F401

    torch.set_num_threads(1)


def start(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.clear()
    os.environ.update(order["environment"])
    if order["die_after"]:
        die_after_commit(order["die_after"])
    code = 1
    try:
        code = main(["run", *order["run"]])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def wait(pid: int, seconds: float) -> int | None:
    deadline = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.01)


if __name__ == "__main__":
    import_everything()
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(start(asked) if "run" in asked else wait(asked["wait"], asked["seconds"])), flush=True)

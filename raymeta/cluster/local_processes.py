"""The processes of a local Ray: what outlives its end is killed. A controller of Ray Train once hung at its own exit.

Where there is no /proc nothing is seen, and nothing killed.
"""

import logging
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

LOG: Final = logging.getLogger(__name__)
PATIENCE_S: Final = 5.0


def descendants(pid: int) -> list[int]:
    """Live processes below one, and itself."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue  # it has just ended
        if state != "Z":
            children.setdefault(int(parent), []).append(int(folder.name))
    found = [pid]
    for parent_id in found:  # grows while it is walked
        found += children.get(parent_id, [])
    return found


def session_folder() -> str:
    """Of the connected Ray, as the command lines of its processes have it."""
    import ray

    return str(Path(ray.nodes()[0]["RayletSocketName"]).parents[1])


def session_processes(session: str) -> dict[int, int]:
    """What this process has started for a session of Ray, and all below that: when it started, by pid."""
    own = [pid for pid in descendants(os.getpid())[1:] if session in command_line(pid)]
    found = {pid for root in own for pid in descendants(root)}
    return {pid: started for pid in found if (started := _started(pid)) is not None}


def end_leftovers(processes: Mapping[int, int], patience_s: float = PATIENCE_S) -> list[int]:
    """Kill what of a session that has ended is still alive after some time; gives the pids of that.

    Args:
        processes: when each started, by pid: a pid that was given anew is somebody else's.
        patience_s: seconds in which they may end by themselves.
    """
    ends = time.monotonic() + patience_s
    while left := [pid for pid, started in processes.items() if _started(pid) == started]:
        if time.monotonic() > ends:
            break
        time.sleep(0.05)
    for pid in left:
        LOG.info("killing %s (pid %d), which outlived its Ray", command_line(pid), pid)
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends and any(_started(pid) == processes[pid] for pid in left):
        time.sleep(0.05)  # the kernel takes a moment on a busy machine
    return left


def command_line(pid: int) -> str:
    """Of a live process; empty for one that is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def _started(pid: int) -> int | None:
    """When a live process started, in ticks of the kernel; None for one that is gone or merely not reaped."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] == "Z" else int(fields[19])
    return None

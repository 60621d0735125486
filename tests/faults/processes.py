"""Processes of this machine, to find what a killed driver leaves, or whom to kill."""

import os
import time
from pathlib import Path

from benchmarks.process_tree import descendants


def processes_of(session: int) -> dict[int, str]:
    """Command line of each live process of a session, by process id; zombies are over."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, owner = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(owner) == session and state != "Z":
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        except OSError:
            continue  # it has just ended
    return found


def wait_until_gone(session: int, seconds: float) -> dict[int, str]:
    """What is left of a session after at most so many seconds."""
    deadline = time.monotonic() + seconds
    while (left := processes_of(session)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left


def actors_named(name: str) -> set[int]:
    """Live processes of Ray actors of that class below this process."""
    found = set()
    for pid in descendants(os.getpid()):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue  # it has just ended
        if command.startswith(f"ray::{name}".encode()):
            found.add(pid)
    return found

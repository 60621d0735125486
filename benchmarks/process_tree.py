"""What a process and all below it hold: memory, open files, threads, Ray actors (Linux)."""

import os
from dataclasses import dataclass
from pathlib import Path

from raymeta.cluster.local_processes import descendants

__all__ = ["Footprint", "descendants", "footprint"]


@dataclass(frozen=True)
class Footprint:
    """Sums over a process and its descendants.

    memory_mib: proportional set size, which counts shared pages once. first_mib: that of the first process alone.
    actors: processes of Ray actors and of tasks that run.
    """

    memory_mib: float
    first_mib: float
    open_files: int
    threads: int
    processes: int
    actors: int


def footprint(pid: int) -> Footprint:
    """Footprint of a live process and its descendants; one that ends meanwhile is left out."""
    memory, files, threads, actors = {}, 0, 0, 0
    for process in descendants(pid):
        folder = Path(f"/proc/{process}")
        try:
            command = (folder / "cmdline").read_bytes()
            held, opened = _proportional_mib(folder), len(os.listdir(folder / "fd"))
            threads += len(os.listdir(folder / "task"))
        except OSError:
            continue
        memory[process] = held
        files += opened
        actors += command.startswith(b"ray::") and not command.startswith(b"ray::IDLE")
    return Footprint(round(sum(memory.values()), 1), round(memory[pid], 1), files, threads, len(memory), actors)


def _proportional_mib(folder: Path) -> float:
    for line in (folder / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0

"""Finding runs below a folder: repetitions, the trials of a sweep, or a whole study."""

from collections.abc import Sequence
from typing import Final

from raymeta.locations import below, without_options
from raymeta.runs.run_store import RunError, RunStore
from raymeta.runs.store_files import StoreFiles

DEPTH: Final = 4
"""Folders below each other that are looked through: study/sweep/trial/seed."""


def expand_runs(locations: Sequence[str]) -> list[str]:
    """The runs at the given places: a run folder stands for itself, any other folder for the runs below it, by name.

    A run that is named twice, however it is written, is taken once.

    Raises:
        RunError: no run at, or below, one of the places.
    """
    found: dict[str, str] = {}
    for location in locations:
        runs = _below(location, DEPTH)
        if not runs:
            raise RunError(f"{location} holds no run, nor do its folders: give run folders, or a folder of runs")
        for run in runs:
            found.setdefault(_resolved(run), run)
    return list(found.values())


def is_run(location: str) -> bool:
    """Whether the folder itself is a run."""
    return RunStore(location).exists()


def _resolved(location: str) -> str:
    """The same text for every way to write a place."""
    root = RunStore(location).local_root
    return str(root.resolve()) if root else without_options(location)


def _below(location: str, depth: int) -> list[str]:
    if is_run(location):
        return [location]
    if depth == 0:
        return []
    folders = sorted(StoreFiles(location).folders(""), key=_natural)
    return [run for name in folders for run in _below(below(location, name), depth - 1)]


def _natural(name: str) -> tuple[str, int, str]:
    """Order in which seed_10 comes after seed_9."""
    head = name.rstrip("0123456789")
    return head, int(name[len(head) :] or 0), name

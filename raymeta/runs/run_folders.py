"""Finding runs below a folder: repetitions, the trials of a sweep, or a whole study."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from raymeta.locations import below, without_options
from raymeta.runs.run_store import FEATURES, RunError, RunStore
from raymeta.runs.store_files import StoreFiles

DEPTH: Final = 8
"""Folders below each other that are looked through; a study's sweep's trial's seed is the fourth."""
MAX_FOLDERS: Final = 20_000
"""Folders below a place that are looked through: somebody may name one that holds much else."""
OWN_FOLDERS: Final = frozenset({"iterations", "labels", "report", "requery", FEATURES})
"""Folders of a run that hold no runs."""


@dataclass(frozen=True)
class FoundRuns:
    """runs: their locations, by name. left_out: a line for each reason why more may be there that aren't among them."""

    runs: list[str]
    left_out: list[str]


def expand_runs(locations: Sequence[str]) -> list[str]:
    """The runs of `find_runs`.

    Raises:
        RunError: no run at, or below, one of the places.
    """
    return find_runs(locations).runs


def find_runs(locations: Sequence[str]) -> FoundRuns:
    """The runs at the given places: a run folder stands for itself, any other folder for all runs below it.

    A run that is named twice, however it is written, is taken once. Folders whose name begins with a dot aren't looked
    through.

    Raises:
        RunError: no run at, or below, one of the places.
    """
    found: dict[str, str] = {}
    left_out = list[str]()
    for location in locations:
        if is_run(location):
            runs, notes = [location], _inside(location)
        else:
            runs, notes = _below(location)
        if not runs:
            raise RunError("; ".join([f"{location} holds no run, nor do its folders", *notes]) + _REMEDY)
        left_out += notes
        for run in runs:
            found.setdefault(_resolved(run), run)
    return FoundRuns(list(found.values()), left_out)


_REMEDY: Final = ": give run folders, or a folder of runs"


def is_run(location: str) -> bool:
    """Whether the folder itself is a run."""
    return RunStore(location).exists()


def _resolved(location: str) -> str:
    """The same text for every way to write a place."""
    root = RunStore(location).local_root
    return str(root.resolve()) if root else without_options(location)


def _inside(run: str) -> list[str]:
    """What tells of runs directly inside the folder of a run, which is named and stands for itself."""
    names = [name for name in _folders(run, is_run_folder=True) if is_run(below(run, name))]
    if not names:
        return []
    return [f"{run} is a run itself; {len(names)} inside it are left out, name them to have them: {', '.join(names)}"]


def _below(location: str) -> tuple[list[str], list[str]]:
    """Runs below a folder that is none, in the order of names, and why more may be there; what is near comes first."""
    level: list[tuple[str, ...]] = [()]
    runs, looked = list[tuple[str, ...]](), 0
    too_deep = list[tuple[str, ...]]()
    for depth in range(DEPTH + 1):
        following = list[tuple[str, ...]]()
        for names in level:
            if looked == MAX_FOLDERS:
                break
            looked += 1
            place = below(location, *names) if names else location
            if found := bool(names) and is_run(place):
                runs.append(names)
            inside = [(*names, name) for name in _folders(place, is_run_folder=found)]
            (following if depth < DEPTH else too_deep).extend(inside)
        level = following
    notes = list[str]()
    if looked == MAX_FOLDERS:
        notes.append(f"{location}: only {MAX_FOLDERS} folders were looked through, there are more")
    if too_deep:
        first = "/".join(too_deep[0])
        notes.append(f"{location}: folders more than {DEPTH} below it weren't looked through, as {first}")
    return [below(location, *names) for names in sorted(runs, key=lambda names: [*map(_natural, names)])], notes


def _folders(place: str, *, is_run_folder: bool) -> list[str]:
    """Names of the folders inside that may hold runs."""
    names = [name for name in StoreFiles(place).folders("") if not name.startswith(".")]
    return [name for name in names if not (is_run_folder and (name in OWN_FOLDERS or name.endswith(".blocks")))]


def _natural(name: str) -> tuple[str, int, str]:
    """Order in which seed_10 comes after seed_9."""
    head = name.rstrip("0123456789")
    return head, int(name[len(head) :] or 0), name

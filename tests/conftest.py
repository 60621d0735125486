"""What holds for all tests: which are left out, and no time limits of hypothesis.

Tests marked `long` take minutes each: `make test-long`, or -m long, runs them; otherwise they are left out. `make test`
uses three processes, each of which takes whole files: tests of one file may share a service. One process takes all
files that start Ray, one after the other: two of them side by side wait for each other until a start times out. They
wait often, and are the longest chain: the other two processes take what they leave of two cores. What takes long comes
first; short files fill all processes up to the end. (Groups of pytest-xdist 3.8 do nothing under pytest 9.2, which no
longer heeds the ids that they are made by.)
"""

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# Processes of tests share few cores: threads that spin while they wait would starve the others.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Ray's workers otherwise come after all else on the machine.
os.environ.setdefault("RAY_worker_niceness", "0")

LONGEST_FIRST = ("ray", "slow")
"""A file belongs to the first of these marks that one of its tests has."""
RAY_FOLDERS = {"cluster", "jobs", "serve"}
BROWSER = "tests/browser"
"""One process takes these: they share a served run."""
BESIDE_RAY = 5
"""Niceness of processes whose first tests start no Ray."""
BEGUN = pytest.StashKey[bool]()

# A test that waits for a core is no failure.
settings.register_profile("raymeta", deadline=None)
settings.load_profile("raymeta")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "long" not in config.option.markexpr:
        _leave_out_long(config, items)
    ranks: dict[Path, int] = {}
    for item in items:
        own = [rank for rank, mark in enumerate(LONGEST_FIRST) if item.get_closest_marker(mark)]
        ranks[item.path] = min([*own, ranks.get(item.path, len(LONGEST_FIRST))])
    items.sort(key=lambda item: ranks[item.path])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """For --dist loadfile: whole files, and all that start Ray as if they were one."""
    from xdist.scheduler import LoadFileScheduling

    class RayInOneProcess(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            if _starts_ray(config.rootpath / file):
                return "those that start Ray"
            return BROWSER if file.startswith(f"{BROWSER}/") else file

    return RayInOneProcess(config, log) if config.option.dist == "loadfile" else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    stash = item.config.stash
    if hasattr(item.config, "workerinput") and not stash.get(BEGUN, False) and not _starts_ray(item.path):
        os.nice(BESIDE_RAY)
    stash[BEGUN] = True


@cache
def _starts_ray(file: Path) -> bool:
    """Also outside those folders, where it is marked; beside the marks of what is left out, it is that which does."""
    if RAY_FOLDERS & set(file.parts):
        return True
    text = file.read_text(encoding="utf-8")
    return "mark.ray" in text and not ("mark.long" in text or "mark.faults" in text)


def _leave_out_long(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]

"""What holds for all tests: which are left out, in which order they come, and no time limits of hypothesis.

Tests marked `long` take minutes each: `make test-long`, or -m long, runs them; otherwise they are left out. A process
of `make test` takes whole files: tests of one file may share a service. What takes long comes first; short files fill
all processes up to the end. (Groups of pytest-xdist 3.8 do nothing under pytest 9.2, which no longer heeds the ids that
they are made by.)
"""

import os
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
BROWSER = "tests/browser"

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
    """For --dist loadfile: whole files, and those with a browser as if they were one: they share a served run."""
    from xdist.scheduler import LoadFileScheduling

    class BrowserInOneProcess(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return BROWSER if nodeid.startswith(f"{BROWSER}/") else super()._split_scope(nodeid)

    return BrowserInOneProcess(config, log) if config.option.dist == "loadfile" else None


def _leave_out_long(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]

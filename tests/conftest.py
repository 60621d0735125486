"""What holds for all tests: which are left out, and no time limits of hypothesis.

Tests marked `long` take minutes each: `make test-long`, or -m long, runs them; otherwise they are left out. `make test`
uses two processes, each of which takes whole files: tests of one file may share a service. (Groups of pytest-xdist 3.8
do nothing under pytest 9.2, which no longer heeds the ids that they are made by.)
"""

import os

import pytest
from hypothesis import settings

# Two processes of tests share few cores: threads that spin while they wait would starve the other one.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# A test that waits for a core is no failure.
settings.register_profile("raymeta", deadline=None)
settings.load_profile("raymeta")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "long" in config.option.markexpr:
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]

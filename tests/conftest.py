"""What holds for all tests: which are left out, which may run beside each other, no time limits of hypothesis.

Tests marked `long` take minutes each: `make test-long`, or -m long, runs them; otherwise they are left out. `make test`
uses two processes: tests that start Ray stay together in one, one after the other, since each takes many processes of
its own and waits for them; the other process does the rest meanwhile.
"""

import pytest
from hypothesis import settings

# A test that waits for a core is no failure.
settings.register_profile("raymeta", deadline=None)
settings.load_profile("raymeta")


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("ray") or item.path.parent.name == "browser":
            item.add_marker(pytest.mark.xdist_group("ray"))
    if "long" in config.option.markexpr:
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]

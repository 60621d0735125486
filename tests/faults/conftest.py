"""Fault injection. Tests marked `faults` run by `make test-faults` only, since they take long; others always."""

import os
import time
from pathlib import Path

import pytest
from fault_ledger import FaultLedger, table
from plain_runner import PlainRunner
from tiny_experiment import TinyRun, write_scenes

LEDGER = pytest.StashKey[FaultLedger]()


def pytest_configure(config):
    path = os.environ.get("RAYMETA_FAULT_LEDGER")
    config.stash[LEDGER] = FaultLedger(Path(path) if path else None)


def pytest_collection_modifyitems(config, items):
    if "faults" in config.option.markexpr:
        return
    left_out = [item for item in items if item.get_closest_marker("faults")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter, config):
    entries = config.stash[LEDGER].entries
    if entries:
        terminalreporter.section("faults survived")
        for line in table(entries):
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def ledger(pytestconfig):
    return pytestconfig.stash[LEDGER]


@pytest.fixture(scope="session")
def tiny_scenes(tmp_path_factory):
    return write_scenes(tmp_path_factory.mktemp("scenes") / "scenes")


@pytest.fixture
def tiny(tmp_path, tiny_scenes):
    """A run that is not begun yet."""
    return TinyRun(tmp_path, tiny_scenes)


@pytest.fixture(scope="session")
def tiny_undisturbed(tmp_path_factory, tiny_scenes):
    """The finished run on Ray that every disturbed one must equal."""
    run = TinyRun(tmp_path_factory.mktemp("undisturbed"), tiny_scenes)
    began = time.monotonic()
    run.run()
    run.seconds = time.monotonic() - began
    return run


@pytest.fixture(scope="session")
def driver():
    """Runs experiments without Ray, in forks of one process."""
    runner = PlainRunner()
    yield runner
    runner.close()


@pytest.fixture(scope="session")
def plain_undisturbed(driver, tmp_path_factory, tiny_scenes):
    """The finished run without Ray that every disturbed one must equal."""
    run = TinyRun(tmp_path_factory.mktemp("plain"), tiny_scenes)
    assert driver.run(run) == 0, run.output
    return run

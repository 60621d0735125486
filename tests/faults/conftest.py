"""Fault injection. Tests marked `faults` run by `make test-faults` only, since they take long; others always.

Each test notes what was survived in the ledger as soon as it has passed, so that the suite may be run in parts.
"""

import os
import socket
import subprocess
import time
from pathlib import Path

import pytest
from fault_ledger import FaultLedger, table
from plain_runner import PlainRunner
from tiny_experiment import TinyRun, assert_same
from tiny_settings import write_scenes
from warm_cluster import DriverStarter, WarmCluster, WarmRun

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


@pytest.fixture
def s3_server(tmp_path):
    """Port of a running server of S3's protocol, moto.

    It needs other versions of some packages than raymeta's pins, so it has an environment of its own, which
    `make test-faults` makes; RAYMETA_MOTO names its `moto_server`.
    """
    moto = os.environ.get("RAYMETA_MOTO", "")
    if not Path(moto).is_file():
        pytest.skip("RAYMETA_MOTO names no moto_server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (tmp_path / "moto.txt").open("w") as output:
        process = subprocess.Popen([moto, "-H", "127.0.0.1", "-p", str(port)], stdout=output, stderr=output)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.2)
    yield port
    process.kill()
    process.wait()


@pytest.fixture
def ledger(pytestconfig, request):
    """The ledger, for this test."""
    return pytestconfig.stash[LEDGER].of(request.node.nodeid.rpartition("/")[2])


@pytest.fixture(scope="session")
def tiny_scenes(tmp_path_factory):
    return write_scenes(tmp_path_factory.mktemp("scenes") / "scenes")


@pytest.fixture
def tiny(tmp_path, tiny_scenes):
    """A run that is not begun yet; on Ray it starts a local one."""
    return TinyRun(tmp_path, tiny_scenes)


@pytest.fixture(scope="session")
def driver():
    """Runs experiments without Ray, in forks of one process."""
    runner = PlainRunner()
    yield runner
    runner.close()


@pytest.fixture(scope="session")
def plain_undisturbed(driver, tmp_path_factory, tiny_scenes):
    """The finished run without Ray that every disturbed one, on Ray too, must equal."""
    run = TinyRun(tmp_path_factory.mktemp("plain"), tiny_scenes)
    assert driver.run(run) == 0, run.output
    return run


@pytest.fixture(scope="session")
def starter():
    """Starts drivers of runs on Ray, in forks of one process."""
    starter = DriverStarter()
    yield starter
    starter.close()


@pytest.fixture(scope="session")
def warm_cluster():
    """A cluster that outlives the drivers."""
    cluster = WarmCluster()
    yield cluster
    cluster.close()


@pytest.fixture
def warm(tmp_path, tiny_scenes, starter, warm_cluster):
    """A run that is not begun yet, on the cluster that outlives its drivers."""
    return WarmRun(tmp_path, tiny_scenes, starter, warm_cluster.address)


@pytest.fixture(scope="session")
def warm_seconds(tmp_path_factory, tiny_scenes, starter, warm_cluster, plain_undisturbed):
    """How long an undisturbed run on the warm cluster takes."""
    run = WarmRun(tmp_path_factory.mktemp("warm"), tiny_scenes, starter, warm_cluster.address)
    began = time.monotonic()
    run.run()
    assert_same(run.run_dir, plain_undisturbed.run_dir)
    return time.monotonic() - began

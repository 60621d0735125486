"""A disk that is full, and a folder that can't be written, on a real mount: a clear stop, then the run goes on."""

import subprocess
from pathlib import Path

import pytest
from tiny_experiment import TinyRun, assert_same
from warm_cluster import WarmRun


def mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True).returncode == 0


@pytest.fixture
def disk(tmp_path):
    """A disk of 1 MiB, in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)):
        pytest.skip("only root may mount a disk of a given size")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_full_disk(driver, tmp_path, disk, tiny_scenes, plain_undisturbed, ledger):
    run = TinyRun(disk_folder(tmp_path), tiny_scenes, str(disk / "run"))
    assert driver.run(run) == 2
    assert "No space left" in run.output
    assert "free space, correct the permissions or choose another run_dir" in run.output
    assert mount("-o", "remount,size=64m", str(disk))
    assert driver.run(run) == 0, run.output
    assert_same(disk / "run", plain_undisturbed.run_dir)
    ledger.record("full disk", lost="nothing (stops with a message; the same command goes on)")


def test_disk_that_turned_read_only(driver, tmp_path, disk, tiny_scenes, plain_undisturbed, ledger):
    assert mount("-o", "remount,size=64m", str(disk))
    run = TinyRun(disk_folder(tmp_path), tiny_scenes, str(disk / "run"))
    assert driver.run(run, kill_at=25, mode="after") < 0
    assert mount("-o", "remount,ro", str(disk))
    assert driver.run(run) == 2
    assert "can't be written: [Errno 30] Read-only file system" in run.output
    assert mount("-o", "remount,rw", str(disk))
    assert driver.run(run) == 0, run.output
    assert_same(disk / "run", plain_undisturbed.run_dir)
    ledger.record("unwritable folder", lost="nothing (stops with a message; the same command goes on)")


@pytest.mark.faults
@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_full_disk_on_ray(tmp_path, disk, tiny_scenes, starter, warm_cluster, plain_undisturbed, ledger):
    run = WarmRun(disk_folder(tmp_path), tiny_scenes, starter, warm_cluster.address, str(disk / "run"))
    output = run.run(code=2)
    assert "No space left" in output
    assert "Traceback" not in output
    assert mount("-o", "remount,size=64m", str(disk))
    run.run()
    assert_same(disk / "run", plain_undisturbed.run_dir)
    ledger.record("full disk", lost="nothing (stops with a message; the same command goes on)")


def disk_folder(tmp_path: Path) -> Path:
    """Where config and logs of a run lie whose run folder is on the small disk."""
    folder = tmp_path / "beside"
    folder.mkdir()
    return folder

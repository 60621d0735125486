"""A whole run in a bucket of a real S3-compatible server (moto), slow and failing through a proxy."""

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest
from faulty_proxy import FaultyProxy
from pyarrow import fs
from tiny_experiment import TinyRun, results
from warm_cluster import WarmRun

pytestmark = [
    pytest.mark.faults,
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]


def uri(port: int) -> str:
    return (
        f"s3://test:test@bucket/run?scheme=http&endpoint_override=127.0.0.1:{port}&region=us-east-1"
        "&allow_bucket_creation=true"
    )


def downloaded(port: int, folder: Path) -> Path:
    filesystem, root = fs.FileSystem.from_uri(uri(port))
    fs.copy_files(root, str(folder), source_filesystem=filesystem)
    return folder


def committed(filesystem: fs.FileSystem) -> int:
    """Stages in the manifest of iteration 0."""
    path = "bucket/run/iterations/000/manifest.json"
    if filesystem.get_file_info(path).type != fs.FileType.File:
        return 0
    with filesystem.open_input_stream(path) as stream:
        return len(json.loads(stream.read())["stages"])


def test_killed_at_writes_to_a_slow_and_failing_store(
    driver, tmp_path, s3_server, tiny_scenes, plain_undisturbed, ledger
):
    proxy = FaultyProxy(s3_server, seed=2, failing=0.1, delay_s=0.01)
    run = TinyRun(tmp_path, tiny_scenes, uri(proxy.port))
    moments, kills = random.Random(3), 0
    while driver.run(run, kill_at=moments.randint(1, 25), mode="after") == -signal.SIGKILL and kills < 6:
        kills += 1
    assert kills >= 2, run.output
    assert driver.run(run) == 0, run.output
    assert results(downloaded(s3_server, tmp_path / "found")) == results(plain_undisturbed.run_dir)
    ledger.record("driver killed while its run lies in a remote store", kills)
    ledger.record("request to a remote store failed, cut or answered 503", proxy.failures)


def test_slow_and_failing_store(tmp_path, s3_server, tiny_scenes, starter, warm_cluster, plain_undisturbed, ledger):
    proxy = FaultyProxy(s3_server, seed=1, failing=0.15, delay_s=0.02)
    run = WarmRun(tmp_path, tiny_scenes, starter, warm_cluster.address, uri(proxy.port))
    run.run()
    assert proxy.failures >= 5
    found = downloaded(s3_server, tmp_path / "found")
    assert results(found) == results(plain_undisturbed.run_dir)
    ledger.record("request to a remote store failed, cut or answered 503", proxy.failures)


def test_killed_and_contended(tmp_path, s3_server, tiny_scenes, starter, warm_cluster, plain_undisturbed, ledger):
    run = WarmRun(tmp_path, tiny_scenes, starter, warm_cluster.address, uri(s3_server))
    process = run.start()
    filesystem, _ = fs.FileSystem.from_uri(uri(s3_server))
    while not committed(filesystem):
        assert process.poll() is None, run.output
        time.sleep(0.1)
    other = WarmRun(make(tmp_path / "other"), tiny_scenes, starter, warm_cluster.address, uri(s3_server))
    assert f"in use by process {process.pid}" in other.run(code=2)
    assert process.poll() is None, run.output
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    run.run()
    assert results(downloaded(s3_server, tmp_path / "found")) == results(plain_undisturbed.run_dir)
    ledger.record("second process on a run in a remote store", lost="nothing (the second is refused, naming the first)")
    ledger.record("driver killed while its run lies in a remote store")


def make(folder: Path) -> Path:
    folder.mkdir()
    return folder

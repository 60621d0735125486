"""A data set in a bucket of a real server of S3's protocol: the same run, whatever happens to server and copies."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest
import yaml
from faulty_proxy import FaultyProxy
from prediction_folders import UNREADABLE, write_predictions
from pyarrow import fs
from running_service import free_port
from simulated_person import config_text, write_images
from tiny_experiment import TinyRun, assert_same, results
from tiny_runs import serving
from tiny_settings import child_environment
from warm_cluster import WarmRun

from raymeta.predictions.selection import select
from raymeta.predictions.selection_config import load_selection
from raymeta.service.http.app import create_app
from raymeta.service.scoring.local_backend import LocalBackend
from raymeta.service.settings import ServiceSettings

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(600)]


def uri(port: int, name: str = "scenes") -> str:
    return f"s3://test:hidden@bucket/{name}?scheme=http&endpoint_override=127.0.0.1:{port}&region=us-east-1"


def fill(port: int, folder: Path, name: str = "scenes") -> None:
    """Copy a folder into the bucket."""
    filesystem, root = fs.FileSystem.from_uri(uri(port, name) + "&allow_bucket_creation=true")
    filesystem.create_dir("bucket")
    fs.copy_files(str(folder), root, destination_filesystem=filesystem)


@pytest.fixture
def stored(s3_server, tiny_scenes):
    """Port of a server that holds the scenes."""
    fill(s3_server, tiny_scenes)
    return s3_server


def place(run: TinyRun, port: int, **dataset: object) -> Path:
    """Have the run read the bucket; gives the folder of its copies."""
    copies = run.folder / "copies"
    values = yaml.safe_load(run.config.read_text())
    values["dataset"] |= {"root": uri(port), "cache_dir": str(copies)} | dataset
    values["report"] = {"panel_images": 1}
    run.config.write_text(json.dumps(values))
    return copies


def command(run: TinyRun, *words: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "raymeta", *words],
        env=child_environment(run.folder),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "hidden" not in done.stdout + done.stderr
    return done.stdout + done.stderr


def test_check_run_report_and_serve_read_it_and_the_queries_are_the_same(tiny, stored, plain_undisturbed, ledger):
    copies = place(tiny, stored)
    command(tiny, "check", str(tiny.config))
    tiny.run("--local")
    assert_same(tiny.run_dir, plain_undisturbed.run_dir)
    assert len(list(copies.glob("*/*"))) >= 14
    assert "hidden" not in tiny.output
    (tiny.run_dir / "report" / "report.html").unlink()
    command(tiny, "report", str(tiny.run_dir))
    assert list((tiny.run_dir / "report").glob("panels/*"))
    settings = ServiceSettings(str(tiny.run_dir), threads=1, access_log=str(tiny.folder / "access.log"))
    split = results(tiny.run_dir)["split.parquet"]
    image_id = next(row["image_id"] for row in split if row["split"] == "pool")
    with serving(create_app(settings, LocalBackend(settings))) as url:
        for name in ("image", "boxes"):
            assert httpx.get(f"{url}/v1/pool/{image_id}/{name}", timeout=60).status_code == 200
    ledger.record("data set in a remote store")


def test_people_are_asked_about_its_images(tiny, s3_server):
    write_images(tiny.folder / "data", labelled=False)
    fill(s3_server, tiny.folder / "data")
    tiny.config.write_text(config_text(Path("elsewhere"), tiny.run_dir, "{kind: people}"))
    place(tiny, s3_server)
    command(tiny, "run", str(tiny.config), "--local", code=3)
    out = tiny.folder / "exported"
    command(tiny, "tasks", "export", str(tiny.run_dir), "--out", str(out), "--format", "labelme")
    assert len(list(out.rglob("*.png"))) >= 4


def test_label_begins_with_a_folder_there(tiny, s3_server):
    """Settings are written, and what the command starts asks about the images of the bucket."""
    write_images(tiny.folder / "data", labelled=False)
    fill(s3_server, tiny.folder / "data", "mine")
    place = uri(s3_server, "mine")
    process = subprocess.Popen(
        [sys.executable, "-m", "raymeta", "label", place, "--local", "--port", str(port := free_port())],
        cwd=tiny.folder,
        env=child_environment(tiny.folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        told = ""
        while "label at" not in told:
            line = process.stdout.readline()
            assert line, told
            told += line
        assert httpx.get(f"http://127.0.0.1:{port}/v1/tasks/progress", timeout=30).json()["open"] >= 3
    finally:
        process.kill()
        process.communicate()
    assert "hidden" not in told
    written = yaml.safe_load((tiny.folder / "runs/mine.yaml").read_text())
    assert (written["dataset"]["root"], written["run_dir"]) == (place, str(tiny.folder / "runs/mine"))
    command(tiny, "check", str(tiny.folder / "runs/mine.yaml"))
    assert "can't be reached" in command(tiny, "label", uri(free_port(), "mine"), "--run", "other", code=2)


def test_select_reads_predictions_there(tmp_path, s3_server, warm_cluster, tiny):
    """In threads and as a Ray Data job; while the server is away nothing is left out."""
    config = write_predictions(tmp_path)
    for part in ("pool", "meta", "labels"):
        fill(s3_server, tmp_path / part, f"predicted/{part}")
    proxy = FaultyProxy(s3_server)
    local = select(load_selection(config, [f"out_dir={tmp_path / 'local'}"])).query

    def places(port):
        return [
            f"pool.predictions={uri(port, 'predicted/pool')}",
            f"meta.predictions={uri(port, 'predicted/meta')}",
            f"meta.labels={uri(port, 'predicted/labels')}",
        ]

    proxy.failing = 1.0
    assert "can't be reached" in command(tiny, "select", str(config), *places(proxy.port), code=2)
    proxy.failing = 0.0
    for more in ((), ("--on-ray", "--address", warm_cluster.address)):
        told = command(tiny, "select", str(config), *places(proxy.port), f"out_dir={uri(proxy.port, 'chosen')}", *more)
        assert f"left out {UNREADABLE}: " in told
        filesystem, root = fs.FileSystem.from_uri(uri(s3_server, "chosen"))
        assert pq.read_table(f"{root}/query.parquet", filesystem=filesystem).equals(local)
        filesystem.delete_file(f"{root}/query.parquet")


def test_on_ray(tmp_path, stored, tiny_scenes, starter, warm_cluster, plain_undisturbed):
    run = WarmRun(tmp_path, tiny_scenes, starter, warm_cluster.address)
    place(run, stored)
    run.run()
    assert_same(run.run_dir, plain_undisturbed.run_dir)


def test_a_slow_and_failing_store_and_room_for_few_copies(driver, tiny, stored, plain_undisturbed, ledger):
    proxy = FaultyProxy(stored, seed=4, failing=0.1, delay_s=0.005)
    copies = place(tiny, proxy.port, cache_gib=60_000 / 2**30)
    assert driver.run(tiny) == 0, tiny.output
    assert_same(tiny.run_dir, plain_undisturbed.run_dir)
    assert proxy.failures >= 5
    assert 0 < sum(path.stat().st_size for path in copies.glob("*/*")) <= 60_000
    ledger.record("request for data in a remote store failed, cut or answered 503", proxy.failures)


def test_an_outage_ends_the_run_and_the_same_command_goes_on(driver, tiny, stored, plain_undisturbed, ledger):
    proxy = FaultyProxy(stored)
    place(tiny, proxy.port, cache_gib=0.0, outage_wait_s=1.0)
    assert driver.run(tiny, kill_at=12, mode="after") < 0
    proxy.failing = 1.0
    told = command(tiny, "run", str(tiny.config), "--local", code=2)
    assert "can't be reached" in told
    assert "endpoint_override" in told
    proxy.failing = 0.0
    assert driver.run(tiny) == 0, tiny.output
    assert_same(tiny.run_dir, plain_undisturbed.run_dir)
    ledger.record("server of a remote data set away", lost="nothing (the run stops with a message)")

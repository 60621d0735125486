"""Trackers get a run's numbers once, also over a resume, and none of them can end a run. Files are read back."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from experiment_runner import assert_same_run, summaries
from simulated_person import config_text, write_images
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from wandb.proto import wandb_internal_pb2

from raymeta import open_run
from raymeta.cli import main
from raymeta.config import load_config
from raymeta.loop.iterations import run_locally
from raymeta.runs.records import SummaryRecord
from raymeta.tracking.run_trackers import summary_values

pytestmark = pytest.mark.slow

MLFLOW = os.environ.get("RAYMETA_MLFLOW")


class Tracked:
    """Small runs on the same images, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        write_images(folder / "data", labelled=True)

    def run(self, name: str, *overrides: str) -> Path:
        config = self.folder / f"{name}.yaml"
        config.write_text(config_text(self.folder / "data", self.folder / name, "{kind: simulated}"))
        run_locally(load_config(config, overrides))
        return self.folder / name


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return Tracked(tmp_path_factory.mktemp("tracked"))


@pytest.fixture(scope="module")
def plain(runs):
    """A run without trackers."""
    return runs.run("plain")


@pytest.fixture(scope="module")
def tracked(runs):
    """A run with all trackers, interrupted after its first iteration, and asked for once more when it was done."""
    kept = os.environ.get("WANDB_MODE")
    os.environ["WANDB_MODE"] = "offline"
    trackers = f"trackers=[tensorboard, {{kind: mlflow, location: {runs.folder}/mlruns}}, wandb]"
    try:
        runs.run("tracked", trackers, "iterations=1")
        runs.run("tracked", trackers)
        return runs.run("tracked", trackers)
    finally:
        os.environ.pop("WANDB_MODE") if kept is None else os.environ.update(WANDB_MODE=kept)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    read = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    read.Reload()
    return {tag: [(event.step, event.value) for event in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


def test_a_tracked_run_is_the_same_run(tracked, plain):
    assert_same_run(tracked, plain)


def test_tensorboard_files_hold_the_run_over_a_resume(tracked):
    read = scalars(tracked / "tensorboard")
    first, second = summaries(tracked)
    assert read["iteration/miou"] == miou_by_step(tracked)
    assert read["iteration/cost_a"] == [(0, pytest.approx(first["cost_a"])), (1, pytest.approx(second["cost_a"]))]
    assert [step for step, _ in read["iteration/seconds/train"]] == [0, 1]
    steps = [step for step, _ in read["epoch/validation_miou"]]
    assert steps == sorted(set(steps))
    assert steps
    assert max(steps) < first["epochs"] + second["epochs"]


def mlflow_runs(uri: str) -> list[dict[str, object]]:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("raymeta")
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id])
    return [
        {
            "status": run.info.status,
            "params": run.data.params,
            "miou": [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "iteration/miou")],
        }
        for run in found
    ]


def miou_by_step(run_dir: Path) -> list[tuple[int, float]]:
    return [(index, pytest.approx(100 * summary["miou"])) for index, summary in enumerate(summaries(run_dir))]


def test_mlflow_goes_on_in_the_same_run_of_a_folder(tracked, runs):
    (run,) = mlflow_runs((runs.folder / "mlruns").as_uri())
    assert run["status"] == "FINISHED"
    assert sorted(run["miou"]) == miou_by_step(tracked)
    assert run["params"]["acquisition.strategy"] == "metabox_plus"


def test_a_server_that_is_away_gets_everything_later(runs, plain, tmp_path, capsys):
    began = time.monotonic()
    away = runs.run("away", f"trackers=[{{kind: mlflow, location: 'http://user:secret@127.0.0.1:{free_port()}'}}]")
    output = capsys.readouterr().out
    assert "mlflow" in output
    assert "secret" not in output
    assert time.monotonic() - began < 120
    assert_same_run(away, plain)
    store = tmp_path / "mlruns"
    runs.run("away", f"trackers=[{{kind: mlflow, location: {store}}}]")  # it is done: only the tracker is told
    (run,) = mlflow_runs(store.as_uri())
    assert sorted(run["miou"]) == miou_by_step(away)


@pytest.mark.long
@pytest.mark.skipif(MLFLOW is None, reason="RAYMETA_MLFLOW names no mlflow program")
def test_a_real_mlflow_server(runs, tmp_path):
    port = free_port()
    store = ["--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db", "--artifacts-destination", str(tmp_path / "art")]
    server = subprocess.Popen(
        [MLFLOW, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", *store],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(240):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.5)
        uri = f"http://127.0.0.1:{port}"
        trackers = f"trackers=[{{kind: mlflow, location: {uri}}}]"
        runs.run("served", trackers, "iterations=1")
        served = runs.run("served", trackers)
        (run,) = mlflow_runs(uri)
        assert run["status"] == "FINISHED"
        assert sorted(run["miou"]) == miou_by_step(served)
    finally:
        server.terminate()
        server.wait(timeout=30)


def test_wandb_goes_on_under_the_same_id_offline(tracked):
    folders = sorted((tracked / "wandb").glob("offline-run-*"))
    assert len(folders) == 2
    assert len({re.sub(r".*-", "", folder.name) for folder in folders}) == 1
    history = [row for folder in folders for row in wandb_history(next(folder.glob("*.wandb")))]
    iterations = [(int(row["iteration"]), row["iteration/miou"]) for row in history if "iteration" in row]
    assert iterations == miou_by_step(tracked)
    assert any("epoch/validation_miou" in row for row in history)


def wandb_history(path: Path) -> list[dict[str, float]]:
    """Rows of the records in a log of LevelDB's format: blocks of 32 KiB, of chunks with a header of 7 bytes."""
    data, rows, record = path.read_bytes(), [], b""
    position = 7  # after the file's own header
    while position + 7 <= len(data):
        if 32768 - position % 32768 < 7:
            position += 32768 - position % 32768
            continue
        length, kind = int.from_bytes(data[position + 4 : position + 6], "little"), data[position + 6]
        record += data[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (1, 4):  # the whole record, or its last chunk
            parsed, record = wandb_internal_pb2.Record.FromString(record), b""
            if parsed.WhichOneof("record_type") == "history":
                items = parsed.history.item
                rows.append({item.key or item.nested_key[0]: json.loads(item.value_json) for item in items})
    return rows


def test_a_missing_package_is_told_before_anything_starts(runs, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "wandb", None)
    config = runs.folder / "missing.yaml"
    config.write_text(config_text(runs.folder / "data", runs.folder / "missing", "{kind: simulated}"))
    assert main(["run", "--local", str(config), "trackers=[tensorboard, wandb]"]) == 2
    assert "raymeta[trackers]" in capsys.readouterr().err
    assert not (runs.folder / "missing").exists()
    assert main(["check", str(config), "trackers=[wandb]"]) == 2
    assert "raymeta[trackers]" in capsys.readouterr().out


def test_values_are_percent_and_leave_out_what_is_unknown(plain):
    summary = SummaryRecord.read(open_run(str(plain)).store.iteration(0))
    values = summary_values(summary, [f"class {k}" for k in range(len(summary.class_iou))])
    assert values["miou"] == 100 * summary.miou
    assert values["query_boxes"] == 6
    assert {name for name in values if name.startswith("class_iou/")} == {
        f"class_iou/class {k}" for k, iou in enumerate(summary.class_iou) if iou is not None
    }

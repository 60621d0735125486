"""The data set's storage drops out, or files of it are damaged, while a run goes on."""

import json
import shutil
import threading
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rich.console import Console
from tiny_experiment import assert_same
from tiny_settings import tiny_values

from raymeta.cli import main
from raymeta.config import parse_config
from raymeta.datasets.outages import DatasetUnreachableError
from raymeta.loop.failed_images import TooManyFailedImagesError
from raymeta.loop.iterations import run_experiment
from raymeta.loop.local_workers import local_workers
from raymeta.loop.progress import RunProgress

STAGES = ("clicks", "train", "fit", "sample", "score", "annotate")
COMMITTED = {
    "clicks": [],
    "train": [],
    "fit": ["train"],
    "sample": ["train", "fit"],
    "score": ["train", "fit"],
}


class Storage:
    """A copy of the scenes, as storage that may go away and come back."""

    def __init__(self, root: Path, scenes: Path) -> None:
        self.root = root
        self.away = root.with_name("away")
        shutil.copytree(scenes, root)

    def images(self) -> list[Path]:
        return sorted(self.root.glob("leftImg8bit/train/*/*.png"))

    def drop(self) -> None:
        self.root.rename(self.away)

    def drop_half(self) -> None:
        for path in self.images()[::2]:
            self._moved(path, self.root, self.away)

    def restore(self) -> None:
        for path in sorted(self.away.rglob("*")):
            if path.is_file():
                self._moved(path, self.away, self.root)
        shutil.rmtree(self.away)

    def _moved(self, path: Path, source: Path, target: Path) -> None:
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.rename(place)


@pytest.fixture
def storage(tmp_path, tiny_scenes):
    return Storage(tmp_path / "scenes", tiny_scenes)


def run(storage, *, wait=0.2, **values):
    dataset = {"kind": "cityscapes", "root": str(storage.root), "outage_wait_s": wait, **values}
    config = parse_config(tiny_values(storage.root, str(storage.root.with_name("run"))) | {"dataset": dataset})
    with storage.root.with_name("output.txt").open("a") as output:
        run_experiment(config, local_workers, Console(file=output))
    return Path(config.run_dir)


@pytest.fixture
def at_stage(monkeypatch):
    """Have something happen as a stage begins, the first time."""
    begin, pending = RunProgress.begin_stage, {}

    def begin_stage(self, name, total=None):
        if name in pending:
            pending.pop(name)()
        begin(self, name, total)

    monkeypatch.setattr(RunProgress, "begin_stage", begin_stage)
    return pending.__setitem__


def committed(run_dir):
    path = run_dir / "iterations/000/manifest.json"
    return list(json.loads(path.read_text())["stages"]) if path.exists() else []


def test_a_lost_data_set_ends_the_run_in_each_stage_and_commits_nothing(storage, at_stage, plain_undisturbed, ledger):
    run_dir = storage.root.with_name("run")
    for number, stage in enumerate(STAGES):
        at_stage(stage, storage.drop if number % 2 else storage.drop_half)
        with pytest.raises(DatasetUnreachableError, match="same command goes on"):
            run(storage)
        assert committed(run_dir) == COMMITTED.get(stage, ["train", "fit", "score"])
        assert (run_dir / "pool_clicks.parquet").exists() == (stage != "clicks")
        storage.restore()
    assert_same(run(storage), plain_undisturbed.run_dir)
    ledger.record("data set lost", len(STAGES), "nothing (the run stops with a message, the same command goes on)")


def test_a_data_set_that_comes_back_is_waited_for_in_each_stage(storage, at_stage, plain_undisturbed, ledger):
    def outage(drop):
        drop()
        threading.Timer(0.3, storage.restore).start()

    for number, stage in enumerate(STAGES):
        at_stage(stage, partial(outage, storage.drop if number % 2 else storage.drop_half))
    assert_same(run(storage, wait=30.0), plain_undisturbed.run_dir)
    ledger.record("data set away for a moment", len(STAGES))


def unlabelled(run_dir, storage):
    split = pq.read_table(run_dir / "split.parquet").to_pylist()
    ids = [row["image_id"] for row in split if row["split"] == "pool"]
    return [path for path in storage.images() if path.name.removesuffix("_leftImg8bit.png") in ids]


def test_a_damaged_image_is_left_out_of_one_iteration_only(storage, at_stage):
    kept = {}

    def damage():
        (path, *_) = unlabelled(storage.root.with_name("run"), storage)
        kept[path] = path.read_bytes()
        path.write_bytes(b"no image")

    at_stage("score", damage)
    repair = RunProgress.finish_iteration

    def finish_iteration(self, summary, expected):
        for path, data in kept.items():
            path.write_bytes(data)
        repair(self, summary, expected)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunProgress, "finish_iteration", finish_iteration)
        run_dir = run(storage)
    (image_id,) = [path.name.removesuffix("_leftImg8bit.png") for path in kept]
    summaries = [json.loads((run_dir / f"iterations/00{i}/summary.json").read_text()) for i in range(2)]
    assert [summary["failed_images"] for summary in summaries] == [[image_id], []]
    rows = [pq.read_table(run_dir / f"iterations/00{i}/images.parquet").to_pylist() for i in range(2)]
    assert [[row["image_id"] for row in found if row["error"]] for found in rows] == [[image_id], []]


def test_many_damaged_images_stop_a_stage(storage, at_stage, plain_undisturbed):
    kept = {}

    def damage():
        for path in storage.images() + sorted(storage.root.glob("gtFine/train/*/*labelIds.png")):
            kept[path] = path.read_bytes()
            path.write_bytes(b"no image")

    for stage in STAGES:
        at_stage(stage, damage)
        with pytest.raises(TooManyFailedImagesError, match="max_failed_share"):
            run(storage)
        assert committed(storage.root.with_name("run")) == COMMITTED.get(stage, ["train", "fit", "score"])
        for path, data in kept.items():
            path.write_bytes(data)
    assert_same(run(storage), plain_undisturbed.run_dir)


def test_images_that_may_fail_are_a_share(storage):
    for path in storage.images()[:3]:
        path.write_bytes(b"no image")
    with pytest.raises(TooManyFailedImagesError):
        run(storage)
    assert len(committed(run(storage, max_failed_share=0.9))) == 5


def test_the_command_tells_of_an_outage_in_one_sentence(storage, at_stage, capsys):
    at_stage("score", storage.drop)
    path = storage.root.with_name("config.json")
    values = tiny_values(storage.root, str(storage.root.with_name("run")))
    values["dataset"] = {"kind": "cityscapes", "root": str(storage.root), "outage_wait_s": 0.0}
    path.write_text(json.dumps(values))
    assert main(["run", str(path), "--local"]) == 1
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("raymeta:")]
    assert len(told) == 1
    assert str(storage.root) in told[0]

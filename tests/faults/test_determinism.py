"""The same seed gives the same run: images listed in another order, files made in another order, stages interrupted."""

import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
from tiny_experiment import TinyRun, assert_same, results

from raymeta.config import DatasetConfig
from raymeta.datasets.registry import open_dataset


def test_files_created_in_another_order(driver, tmp_path, tiny_scenes, plain_undisturbed, ledger):
    shuffled = tmp_path / "shuffled"
    paths = sorted(path for path in tiny_scenes.rglob("*") if path.is_file())
    random.Random(1).shuffle(paths)
    for path in paths:
        target = shuffled / path.relative_to(tiny_scenes)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    run = TinyRun(tmp_path, shuffled)
    assert driver.run(run) == 0, run.output
    assert results(run.run_dir) == results(plain_undisturbed.run_dir)
    ledger.record("data set's files made in another order")


@pytest.mark.parametrize("kind", ["camvid", "folder", "cityscapes"])
def test_directories_listed_in_another_order(tmp_path, monkeypatch, kind):
    pool, validation = 20, 7
    _write(tmp_path, kind, pool, validation)

    def listed() -> tuple[list[str], list[str], list[str], list[str]]:
        whole = open_dataset(DatasetConfig(kind=kind, root=str(tmp_path)))
        few = open_dataset(
            DatasetConfig(kind=kind, root=str(tmp_path), max_pool_images=5, max_validation_images=3), seed=4
        )
        return whole.pool_ids(), whole.validation_ids(), few.pool_ids(), few.validation_ids()

    expected = listed()
    assert len(expected[0]) == pool
    assert len(expected[2]) == 5
    scandir, listdir = os.scandir, os.listdir

    class Reversed:
        def __init__(self, path) -> None:
            with scandir(path) as entries:
                self.entries = list(entries)[::-1]

        def __enter__(self):
            return iter(self.entries)

        def __exit__(self, *error: object) -> None:
            pass

        def __iter__(self):
            return iter(self.entries)

    monkeypatch.setattr(os, "scandir", Reversed)
    monkeypatch.setattr(os, "listdir", lambda path=".": listdir(path)[::-1])
    assert listed() == expected


def _write(root: Path, kind: str, pool: int, validation: int) -> None:
    import sys

    sys.path.append(str(Path(__file__).parent.parent / "fixtures"))
    import dataset_layouts

    {
        "camvid": dataset_layouts.write_camvid,
        "folder": dataset_layouts.write_folder,
        "cityscapes": dataset_layouts.write_cityscapes,
    }[kind](root, pool, validation)


def test_another_seed_gives_another_run(driver, tiny, plain_undisturbed):
    assert driver.run(tiny, "seed=1", "iterations=1") == 0, tiny.output
    assert results(tiny.run_dir)["split.parquet"] != results(plain_undisturbed.run_dir)["split.parquet"]


@pytest.mark.faults
@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("actors", [1, 2, 4])
def test_on_one_two_and_four_actors_with_an_interruption(warm, plain_undisturbed, ledger, actors):
    process = warm.start(f"scoring.actors={actors}")
    while "000/score" not in warm.committed():
        assert process.poll() is None, warm.output
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    warm.run(f"scoring.actors={5 - actors}")
    assert_same(warm.run_dir, plain_undisturbed.run_dir)
    ledger.record(f"driver killed between a run on {actors} and {5 - actors} scoring actors")


def test_an_old_run_goes_on(driver, tmp_path, ledger):
    """The stored half of a run of raymeta 0.1.0 is finished by this version."""
    from raymeta.datasets.street_scenes.dataset import write_street_scenes

    stored = Path(__file__).parent.parent / "runs" / "format_1_run"
    write_street_scenes(tmp_path / "scenes", 6, 2, 64, 96, 3)
    run = TinyRun(tmp_path, tmp_path / "scenes")
    shutil.copytree(stored, run.run_dir)
    run.config.write_text((stored / "config.yaml").read_text())
    query = (run.run_dir / "iterations/000/query.parquet").read_bytes()
    overrides = (f"run_dir={run.run_dir}", f"dataset.root={tmp_path / 'scenes'}")
    assert driver.run(run, *overrides) == 0, run.output
    assert run.committed()[-1] == "001/summary"
    assert (run.run_dir / "iterations/000/query.parquet").read_bytes() == query
    ledger.record("run of version 0.1.0 resumed")

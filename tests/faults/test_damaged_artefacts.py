"""Truncated, bit-flipped, emptied and removed artefacts of every kind: found, named, made anew, never used."""

import random
import shutil
from pathlib import Path

import pytest
from tiny_experiment import TinyRun, assert_same

ROOT_FILES = (
    "run.json",
    "config.yaml",
    "split.parquet",
    "pool_clicks.parquet",
    "held_out_clicks.parquet",
    "classes.json",
)
ITERATION_FILES = (
    "manifest.json",
    "network.pt",
    "training.parquet",
    "evaluation.json",
    "meta_regressor.bin",
    "segments.parquet",
    "fit.json",
    "images.parquet",
    "query.parquet",
    "score.json",
    "annotation.parquet",
    "oracle.json",
    "summary.json",
)
HARMS = ("cut in half", "bit flipped", "emptied", "removed")


def test_every_file_of_a_run_is_harmed_below(plain_undisturbed):
    found = {path.name for path in plain_undisturbed.run_dir.rglob("*") if path.is_file()}
    assert found == {*ROOT_FILES, *ITERATION_FILES}


def harm(path: Path, how: str, rng: random.Random) -> None:
    data = path.read_bytes()
    if how == "removed":
        path.unlink()
    elif how == "bit flipped":
        at = rng.randrange(len(data))
        path.write_bytes(data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :])
    else:
        path.write_bytes(data[: len(data) // 2] if how == "cut in half" else b"")


def harm_and_resume(driver, tmp_path, scenes, undisturbed, ledger, file, how, iteration):
    run = TinyRun(tmp_path, scenes)
    shutil.copytree(undisturbed.run_dir, run.run_dir)
    assert driver.run(run) == 0  # takes over the run_dir that was moved
    path = run.run_dir / (file if file in ROOT_FILES else f"iterations/{iteration:03d}/{file}")
    harm(path, how, random.Random(f"{file} {how}"))
    assert driver.run(run) == 0, run.output
    assert_same(run.run_dir, undisturbed.run_dir)
    # Without its manifest an iteration was never there, and without a split or counts they weren't made yet.
    quiet = ("manifest.json", "split.parquet", "pool_clicks.parquet", "held_out_clicks.parquet", "classes.json")
    silent = how == "removed" and file in quiet
    assert silent or file in run.output, run.output
    ledger.record(f"artefact {how}", 1, "nothing (named, and made anew)")


@pytest.mark.parametrize(
    ("file", "how"),
    [
        ("run.json", "bit flipped"),
        ("config.yaml", "cut in half"),
        ("classes.json", "bit flipped"),
        ("held_out_clicks.parquet", "emptied"),
    ],
)
def test_a_few(driver, tmp_path, tiny_scenes, plain_undisturbed, ledger, file, how):
    harm_and_resume(driver, tmp_path, tiny_scenes, plain_undisturbed, ledger, file, how, 1)


@pytest.mark.faults
@pytest.mark.parametrize("how", HARMS)
@pytest.mark.parametrize("file", [*ROOT_FILES, *ITERATION_FILES])
def test_all(driver, tmp_path, tiny_scenes, plain_undisturbed, ledger, file, how):
    harm_and_resume(driver, tmp_path, tiny_scenes, plain_undisturbed, ledger, file, how, HARMS.index(how) % 2)

"""Killed inside training and inside scoring on Ray: what was finished is taken over, not done again."""

import os
import signal
import time

import pyarrow.parquet as pq
import pytest
from tiny_experiment import assert_same

from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.labels.label_store import LabelStore
from raymeta.loop import stages
from raymeta.runs.input_key import input_key, work_key
from raymeta.runs.run_store import RunStore
from raymeta.training.determinism import training_seed
from raymeta.training.training_state import TrainingState

pytestmark = [pytest.mark.faults, pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]


def kill_once_there(run, pattern):
    """SIGKILL the driver as soon as a file of that pattern is in the run folder."""
    process = run.start()
    while not list(run.run_dir.glob(pattern)):
        assert process.poll() is None, run.output
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_training_goes_on_after_its_last_epoch(warm, plain_undisturbed, ledger):
    kill_once_there(warm, "iterations/000/training_state.pt")
    store = RunStore(str(warm.run_dir))
    initial = [row["image_id"] for row in store.read_split().to_pylist() if row["split"] == "initial"]
    data = store.iteration(0).read_scratch(
        stages.TRAINING_STATE, work_key(store.load_config(), training_seed(0, 0), LabelledRegions.from_images(initial))
    )
    kept = TrainingState.from_bytes(data).history
    assert kept
    warm.run()
    assert_same(warm.run_dir, plain_undisturbed.run_dir)
    seconds = pq.read_table(warm.run_dir / "iterations/000/training.parquet")["seconds"].to_pylist()
    # Times of an epoch that is done again would differ.
    assert seconds[: len(kept)] == [record.seconds for record in kept]
    ledger.record("driver killed inside training", lost="nothing (epochs done twice: at most one)")


def test_scoring_goes_on_after_its_last_block(warm, plain_undisturbed, ledger):
    kill_once_there(warm, "iterations/000/score.blocks/*.arrow")
    parts = list((warm.run_dir / "iterations/000/score.blocks").glob("*.arrow"))
    store = RunStore(str(warm.run_dir))
    folder = store.iteration(0)
    network, regressor = folder.read_bytes("network.pt"), folder.read_bytes("meta_regressor.bin")
    known = LabelStore(store).known_labels(0)
    key = work_key(store.load_config(), network, regressor, known.regions)
    with folder.finished_blocks("sample_largest_box_clicks", input_key(key, known)) as sampled:
        clicks_max = max(1, *(row["clicks"] for rows in sampled.blocks() for row in rows))
    with folder.finished_blocks("score", input_key(key, clicks_max)) as finished:
        kept = {row["image_id"]: row["seconds_score"] for rows in finished.blocks() for row in rows}
    assert kept, parts
    warm.run()
    assert_same(warm.run_dir, plain_undisturbed.run_dir)
    images = pq.read_table(warm.run_dir / "iterations/000/images.parquet").to_pylist()
    again = {row["image_id"]: row["seconds_score"] for row in images}
    assert {image: again[image] for image in kept} == kept
    ledger.record("driver killed inside scoring", lost="nothing (images done twice: at most one block)")

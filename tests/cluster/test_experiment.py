"""The whole loop on a real Ray, undisturbed and disturbed: always the same queries."""

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from raymeta.schemas import ANNOTATION_SCHEMA, QUERY_SCHEMA

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def queries(run_dir):
    return [pq.read_table(path).to_pylist() for path in sorted(run_dir.glob("iterations/*/query.parquet"))]


def summaries(run_dir):
    kept = []
    for path in sorted(run_dir.glob("iterations/*/summary.json")):
        summary = json.loads(path.read_text())
        summary.pop("seconds")
        kept.append(summary)
    return kept


def assert_same_run(run_dir, undisturbed):
    assert queries(run_dir) == queries(undisturbed.run_dir)
    assert summaries(run_dir) == summaries(undisturbed.run_dir)


def test_run_folder_holds_what_the_design_names(undisturbed):
    run_dir = undisturbed.run_dir
    for name in ("run.json", "config.yaml", "split.parquet", "report/report.html"):
        assert (run_dir / name).stat().st_size > 0
    for index in range(2):
        folder = run_dir / f"iterations/{index:03d}"
        for name in ("training.parquet", "network.pt", "segments.parquet", "images.parquet", "manifest.json"):
            assert (folder / name).stat().st_size > 0
        assert pq.read_schema(folder / "query.parquet").names == QUERY_SCHEMA.names
        assert pq.read_schema(folder / "annotation.parquet").names == ANNOTATION_SCHEMA.names
        assert pq.read_table(folder / "query.parquet").num_rows == 20
    first, second = summaries(run_dir)
    assert 0 < first["miou"] < 1
    assert first["boxes"] == 0
    assert second["boxes"] == 20
    assert second["cost_a"] > first["cost_a"] > 0
    assert second["cost_p"] == pytest.approx(100 * (6 + 20 * 16 * 16 / (64 * 96)) / 14)
    assert "metabox_plus" in undisturbed.output


@pytest.mark.long  # test_scoring_scale.py has 1 to 8 actors on one cluster
def test_two_scoring_actors_give_the_same_queries(runner, undisturbed):
    runner.run("scoring.actors=2")
    assert_same_run(runner.run_dir, undisturbed)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long)])
def test_a_run_killed_at_random_moments_ends_the_same(runner, undisturbed, seed):
    moments = random.Random(seed)
    for _ in range(2):
        process = runner.start()
        # The first stages commit after some 15 s of start: moments before, between and after them.
        time.sleep(moments.uniform(8, 35))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    runner.run()
    assert_same_run(runner.run_dir, undisturbed)


def descendants(pid):
    """Processes below one of ours, as {pid: command line}."""
    parents, commands = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            commands[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue  # it has just ended
    below, found = {pid}, {}
    while new := {child for child, parent in parents.items() if parent in below} - below:
        below |= new
        found |= {child: commands[child] for child in new}
    return found


def test_killed_workers_are_replaced_and_the_run_ends_the_same(runner, undisturbed):
    """One process of each kind, in one run: each is killed when it first appears."""
    process = runner.start()
    waiting, deadline = {"RayTrainWorker", "ScoringWorker", "BoxSelector"}, time.monotonic() + 200
    while waiting and process.poll() is None and time.monotonic() < deadline:
        for pid, command in descendants(process.pid).items():
            # The process is named after its class as soon as its actor is up, and does its first work then.
            if command.startswith("ray::") and (name := next((name for name in waiting if name in command), None)):
                os.kill(pid, signal.SIGKILL)
                waiting.remove(name)
        time.sleep(0.05)
    output, _ = process.communicate(timeout=300)
    assert not waiting, output
    assert process.returncode == 0, output
    assert_same_run(runner.run_dir, undisturbed)


@pytest.mark.long
def test_two_training_workers_repeat_themselves(runner, tmp_path):
    runner.run("training.workers=2", "iterations=1")
    first = queries(runner.run_dir)
    shutil.rmtree(runner.run_dir)
    runner.run("training.workers=2", "iterations=1")
    assert queries(runner.run_dir) == first


def test_ctrl_c_stops_with_one_line(runner):
    process = runner.start()
    while not (runner.run_dir / "run.json").exists():
        time.sleep(0.2)
    time.sleep(10)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=90)
    assert process.returncode == 130, output
    assert "goes on where it was" in output
    assert "Traceback" not in output


@pytest.mark.long  # tests/faults does it to every file, without Ray
def test_damaged_artefacts_are_made_anew(tmp_path, runner, undisturbed):
    shutil.copytree(undisturbed.run_dir, runner.run_dir)
    query = runner.run_dir / "iterations/001/query.parquet"
    data = bytearray(query.read_bytes())
    data[len(data) // 2] ^= 1
    query.write_bytes(bytes(data))
    (runner.run_dir / "iterations/001/summary.json").unlink()
    output = runner.run()
    assert "query.parquet" in output
    assert "damaged" in output
    assert_same_run(runner.run_dir, undisturbed)


def test_a_corrupt_image_is_reported_and_left_out(runner, scenes, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(scenes, broken)
    split = {row["split"]: row["image_id"] for row in _split_of(runner, broken)}
    image = next(broken.glob(f"leftImg8bit/train/*/{split['pool']}_leftImg8bit.png"))
    image.write_bytes(image.read_bytes()[:500])
    output = runner.run(f"dataset.root={broken}", "iterations=1")
    assert f"left out {split['pool']}" in output
    rows = pq.read_table(runner.run_dir / "iterations/000/images.parquet").to_pylist()
    assert [row["image_id"] for row in rows if row["error"]] == [split["pool"]]
    assert split["pool"] not in {row["image_id"] for row in queries(runner.run_dir)[0]}


def _split_of(runner, root):
    from raymeta.config import load_config
    from raymeta.datasets.registry import open_dataset
    from raymeta.loop.check import experiment_split

    config = load_config(runner.config, [f"dataset.root={root}"])
    return experiment_split(config, open_dataset(config.dataset, config.seed)).to_table().to_pylist()

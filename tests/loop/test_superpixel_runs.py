"""Superpixels through a run: asked, answered by one click, trained on, and the same after any interruption."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from experiment_runner import summaries
from one_click_runs import (
    SUPERPIXELS,
    assert_goes_on_the_same,
    assert_trained_on_answers_alone,
    clicks_of_pool,
    finished_run,
    origins,
)

from raymeta.acquisition.superpixels import at_size, coarse_superpixels
from raymeta.annotation.segment_answers import ONE_CLICK_COLUMNS
from raymeta.boxes import Box, unpack_mask
from raymeta.config import load_config
from raymeta.datasets.registry import open_dataset
from raymeta.loop.check import check_experiment
from raymeta.loop.kept_superpixels import KeptSuperpixels
from raymeta.loop.opened_run import open_run
from raymeta.runs.store_files import StoreFiles


@pytest.fixture(scope="module")
def finished(tmp_path_factory, scenes):
    return finished_run(tmp_path_factory.mktemp("superpixels"), scenes, SUPERPIXELS)


def rows(run_dir, index, name):
    return pq.read_table(run_dir / f"iterations/{index:03d}/{name}.parquet").to_pylist()


def opened(run_dir):
    config = load_config(run_dir / "config.yaml")
    return config, open_dataset(config.dataset, config.seed)


def test_every_part_is_of_one_superpixel_and_costs_one_click(finished):
    _, dataset = opened(finished.run_dir)
    maps, asked = {}, {}
    for index in range(2):
        query, answers = rows(finished.run_dir, index, "query"), rows(finished.run_dir, index, "annotation")
        assert len(query) == len(answers) == 30 * (index + 1)
        assert {sum(row[name] for name in ONE_CLICK_COLUMNS) for row in answers} == {1}
        for row in query:
            image_id = row["image_id"]
            image = dataset.image(image_id)
            size = image.shape[:2]
            if image_id not in maps:
                maps[image_id] = at_size(coarse_superpixels(image, 8, 10.0), *size)
            tile = Box(row["top"], row["left"], row["width"]).slices
            mask = unpack_mask(row["segment"], row["width"])
            [number] = np.unique(maps[image_id][tile][mask])
            before = asked.setdefault(image_id, np.zeros(size, bool))
            assert not (before[tile] & mask).any()
            rest = (maps[image_id][tile] == number) & ~before[tile] & ~mask
            assert not rest.any()  # all that is left of it in its tile
            before[tile] |= mask
    costs = [summary["cost_a"] for summary in summaries(finished.run_dir)]
    assert costs[1] - costs[0] == pytest.approx(100 * 30 / clicks_of_pool(finished.run_dir))


def test_progress_names_what_is_counted_for_superpixels(finished):
    """Their query needs no clicks, but the weights of classes."""
    assert "count pixels of classes" in finished.output
    assert "sample clicks" not in finished.output


def test_training_reads_the_answered_class_on_the_parts_alone(finished):
    assert_trained_on_answers_alone(finished, point_width=3)
    assert origins(finished) >= {"confirmed", "fixed"}


def test_a_run_that_starts_again_asks_for_the_same(runner, finished):
    assert_goes_on_the_same(runner, finished, SUPERPIXELS)


def test_a_notebook_scores_any_image_by_its_own_superpixels(finished):
    config, dataset = opened(finished.run_dir)
    run = open_run(str(finished.run_dir))
    image_id = run.split.unlabelled[0]
    known = run.scorer(0)
    asked = known.score(image_id, keep_maps=True)[0].candidates
    fresh = run.score(0, dataset.image(image_id)).candidates
    assert fresh.num_rows >= asked.num_rows > 0
    assert config.acquisition.superpixel_width == 8
    flipped = run.score(0, np.ascontiguousarray(dataset.image(image_id)[:, ::-1])).candidates
    assert not flipped.equals(fresh)


def test_kept_superpixels_are_found_once_and_again_where_they_are_damaged(tmp_path):
    rng = np.random.default_rng(0)
    image = np.kron(rng.integers(0, 256, (10, 15, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    read = []

    def pixels():
        read.append(1)
        return image

    kept = KeptSuperpixels(8, 10.0, StoreFiles(str(tmp_path)))
    first = kept("a/b", (40, 60), pixels)
    np.testing.assert_array_equal(first, kept.of_image(image))
    np.testing.assert_array_equal(KeptSuperpixels(8, 10.0, StoreFiles(str(tmp_path)))("a/b", (40, 60), pixels), first)
    assert len(read) == 1
    [file] = Path(tmp_path).rglob("*.npz")
    file.write_bytes(file.read_bytes()[:-5])
    np.testing.assert_array_equal(kept("a/b", (40, 60), pixels), first)
    assert len(read) == 2
    kept("other", (40, 60), pixels)
    other = KeptSuperpixels(4, 10.0, StoreFiles(str(tmp_path)))("a/b", (40, 60), pixels)
    assert (len(read), other.max() > first.max()) == (4, True)
    KeptSuperpixels(8, 10.0)("a/b", (40, 60), pixels)
    assert len(list(Path(tmp_path).rglob("*.npz"))) == 3


def test_check_says_what_is_asked(finished):
    config, _ = opened(finished.run_dir)
    facts = "\n".join(check_experiment(config).facts)
    assert re.search(r"superpixels, about 8 pixels wide, in tiles of 16", facts)


def test_without_the_package_it_is_told_at_once(finished, monkeypatch):
    config, _ = opened(finished.run_dir)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "skimage" else object())
    assert any("pip install scikit-image" in fault for fault in check_experiment(config).faults)


def test_progress_calls_them_superpixels(finished):
    assert re.search(r"^.*superpixels of iteration 1: \d+ % confirmed", finished.output, re.MULTILINE)


def checksums(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_requery_leaves_the_run_as_it_is(finished, tmp_path):
    before = checksums(finished.run_dir)
    changes = ["--iteration", "1", "acquisition.superpixels.width=6", "--out", str(tmp_path / "narrow")]
    done = finished.raymeta("requery", "--local", str(finished.run_dir), *changes)
    assert done.returncode == 0, done.stdout + done.stderr
    assert checksums(finished.run_dir) == before
    same = finished.raymeta(
        "requery", "--local", str(finished.run_dir), "--iteration", "1", "--out", str(tmp_path / "same")
    )
    assert same.returncode == 0, same.stdout + same.stderr
    asked = pq.read_table(finished.run_dir / "iterations/001/query.parquet")
    assert pq.read_table(tmp_path / "same/query.parquet").equals(asked)
    told = json.loads((tmp_path / "same/requery.json").read_text())
    assert told["original"] == told["requery"]  # a click each, not the outlines in the tiles
    assert told["requery"]["true_clicks"] == told["requery"]["boxes"] == asked.num_rows
    assert told["requery"]["pixels"] == sum(asked["unlabelled_pixels"].to_pylist())
    assert told["overlap"]["equal_boxes"] == asked.num_rows
    assert checksums(finished.run_dir) == before

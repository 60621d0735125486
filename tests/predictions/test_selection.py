"""Boxes from saved predictions: those of the run that made them, and the same after a kill or with other threads."""

import json
import os
import shutil
import signal
import time

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from experiment_runner import LocalRunner
from PIL import Image
from tiny_settings import write_scenes

from raymeta.cli import main
from raymeta.errors import InputError
from raymeta.loop.opened_run import open_run
from raymeta.predictions.selection import select
from raymeta.predictions.selection_config import SelectionConfig, load_selection


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A run's own softmax of its pool and meta set in files, labels of the meta set, and the run."""
    folder = tmp_path_factory.mktemp("saved")
    runner = LocalRunner(folder, write_scenes(folder / "scenes"))
    runner.loop()
    run = open_run(str(runner.run_dir))
    scorer = run.scorer(1)
    for part, ids in (("meta", run.split.meta), ("pool", run.split.unlabelled)):
        for image_id in ids:
            path = folder / part / f"{image_id}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, np.asarray(scorer.read_softmax(image_id)[0]))
    for image_id in run.split.meta:
        path = folder / "labels" / f"{image_id}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(scorer.dataset.label_map(image_id)).save(path)
    return folder, run


def values(saved, out, **changes):
    folder, run = saved
    acquisition = run.config.acquisition
    return {
        "out_dir": str(out),
        "strategy": "metabox_plus",
        "box_width": acquisition.box_width,
        "query_size": acquisition.query_size,
        "clicks_sample_images": acquisition.clicks_sample_images,
        "seed": run.config.seed,
        "iteration": 1,
        "meta": {"predictions": str(folder / "meta"), "labels": str(folder / "labels")},
        "pool": {"predictions": str(folder / "pool"), "labelled_boxes": f"{run.location}/iterations/000/query.parquet"},
        **changes,
    }


@pytest.mark.parametrize("threads", [1, 3])
def test_the_boxes_are_those_of_the_run(saved, tmp_path, threads):
    found = select(SelectionConfig.model_validate(values(saved, tmp_path / "out", threads=threads)))
    # A run also tells where the boxes lie in the image files, which are not at hand here.
    assert found.query.equals(saved[1].query(1).select(found.query.column_names))
    assert found.failed == {}
    assert found.r2 == pytest.approx(saved[1].summary(1)["r2"])
    assert pq.read_table(tmp_path / "out/query.parquet").equals(found.query)
    lines = (tmp_path / "out/query.csv").read_text().splitlines()
    assert len(lines) == 1 + found.query.num_rows
    assert len(json.loads((tmp_path / "out/query.geojson").read_text())["features"]) == found.query.num_rows
    assert not (tmp_path / "out/score.blocks").exists()


def test_a_regressor_worse_than_a_mean_is_told(saved, tmp_path, capsys):
    rng = np.random.default_rng(0)
    for path in (saved[0] / "labels").rglob("*.png"):
        place = tmp_path / "labels" / path.relative_to(saved[0] / "labels")
        place.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as image:
            Image.fromarray(rng.integers(0, 19, image.size[::-1], dtype=np.uint8)).save(place)
    meta = {"predictions": str(saved[0] / "meta"), "labels": str(tmp_path / "labels")}
    path = tmp_path / "select.yaml"
    path.write_text(yaml.safe_dump(values(saved, tmp_path / "out", meta=meta)))
    assert main(["select", str(path)]) == 0
    told = json.loads((tmp_path / "out/selection.json").read_text())["r2"]
    assert told < 0
    assert f"R² {told:.2f} is below 0" in capsys.readouterr().out


def test_the_command_shows_what_it_did_and_python_gives_the_same(saved, tmp_path, capsys):
    path = tmp_path / "select.yaml"
    path.write_text(yaml.safe_dump(values(saved, tmp_path / "out")))
    assert main(["select", str(path), "strategy=entropy_box"]) == 0
    shown = capsys.readouterr().out
    assert "20 boxes" in shown
    again = select(load_selection(path, ["strategy=entropy_box", f"out_dir={tmp_path / 'again'}"]))
    assert again.query.equals(pq.read_table(tmp_path / "out/query.parquet"))


def test_labelled_masks_are_never_asked_for(saved, tmp_path):
    folder, run = saved
    image_id = run.query(1)["image_id"][0].as_py()
    softmax = np.load(folder / "pool" / f"{image_id}.npy")
    mask = tmp_path / "masks" / f"{image_id}.png"
    mask.parent.mkdir(parents=True)
    Image.fromarray(np.full(softmax.shape[1:], 1, np.uint8)).save(mask)
    config = values(saved, tmp_path / "out")
    config["pool"] = config["pool"] | {"labelled_masks": str(tmp_path / "masks")}
    found = select(SelectionConfig.model_validate(config))
    assert image_id not in found.query["image_id"].to_pylist()


@pytest.mark.parametrize("key", ["labelled_masks", "labelled_boxes"])
def test_a_slip_in_the_place_of_what_is_labelled_is_told(saved, tmp_path, key):
    config = values(saved, tmp_path / "out")
    config["pool"] = config["pool"] | {key: str(tmp_path / "slip")}
    with pytest.raises(InputError, match=f"pool.{key} {tmp_path / 'slip'} isn't"):
        select(SelectionConfig.model_validate(config))


def test_a_file_that_cannot_be_used_is_named_and_left_out(saved, tmp_path):
    folder, run = saved
    shutil.copytree(folder / "pool", tmp_path / "pool")
    bad = run.split.unlabelled[0]
    (tmp_path / "pool" / f"{bad}.npy").write_bytes(b"no array")
    config = values(saved, tmp_path / "out")
    config["pool"] = config["pool"] | {"predictions": str(tmp_path / "pool")}
    found = select(SelectionConfig.model_validate(config))
    assert found.failed.keys() == {bad}
    assert bad not in found.query["image_id"].to_pylist()


def test_a_pool_without_one_good_file_is_refused(saved, tmp_path):
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool/a.npy").write_bytes(b"no array")
    config = values(saved, tmp_path / "out", strategy="entropy_box", pool={"predictions": str(tmp_path / "pool")})
    with pytest.raises(InputError, match=r"a\.npy"):
        select(SelectionConfig.model_validate(config))


def test_labels_of_other_classes_are_refused(saved, tmp_path):
    folder, _ = saved
    shutil.copytree(folder / "labels", tmp_path / "labels")
    path = next((tmp_path / "labels").rglob("*.png"))
    Image.fromarray(np.full((64, 96), 200, np.uint8)).save(path)
    config = values(saved, tmp_path / "out", meta={"predictions": str(folder / "meta"), "labels": str(path.parents[0])})
    config["meta"]["labels"] = str(tmp_path / "labels")
    with pytest.raises(InputError, match="200"):
        select(SelectionConfig.model_validate(config))


def test_killed_it_goes_on_and_gives_the_same(saved, tmp_path, monkeypatch):
    import raymeta.predictions.selection as module

    monkeypatch.setattr(module, "BLOCK_IMAGES", 2)
    out = tmp_path / "out"
    config = SelectionConfig.model_validate(values(saved, out, strategy="entropy_box", threads=1))
    pid = os.fork()
    if pid == 0:

        def die(step, done, total):
            if (step, done) == ("score", 6):
                time.sleep(0.5)  # so that blocks are written
                os.kill(os.getpid(), signal.SIGKILL)

        select(config, die)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    assert list((out / "score.blocks").glob("*.arrow"))
    first: list[int] = []
    found = select(config, lambda step, done, total: first.append(done) if step == "score" else None)
    assert first[0] > 1
    elsewhere = SelectionConfig.model_validate(values(saved, tmp_path / "b", strategy="entropy_box"))
    assert found.query.equals(select(elsewhere).query)

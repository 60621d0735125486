"""The test split: judged by each network, chosen by nothing; what labels cost that nothing is learnt from."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from dataset_layouts import save, write_camvid, write_cityscapes, write_folder
from experiment_runner import queries, summaries
from tiny_settings import tiny_values

from raymeta.annotation.oracle import Oracle
from raymeta.config import ConfigError, DatasetConfig, parse_config
from raymeta.datasets.registry import open_dataset
from raymeta.errors import InputError
from raymeta.loop.check import check_experiment
from raymeta.loop.iterations import run_experiment
from raymeta.loop.local_workers import LocalScorer, local_workers
from raymeta.report.page import summary_table, write_report

SIDE = 32


def red_left(columns: int) -> np.ndarray:
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    picture[:, :columns, 0] = 255
    return picture


def ones_left(columns: int) -> np.ndarray:
    labels = np.zeros((SIDE, SIDE), np.uint8)
    labels[:, :columns] = 1
    return labels


@pytest.fixture
def config(tmp_path):
    """Red is called class 1 by the network; the test split's labels say something else."""
    root = tmp_path / "data"
    for split, count in (("train", 4), ("val", 1), ("test", 2)):
        for index in range(count):
            save(root / f"images/{split}/{split}{index}.png", red_left(16))
            save(root / f"labels/{split}/{split}{index}.png", ones_left(16))
    save(root / "labels/test/test0.png", ones_left(24))
    void = ones_left(24)
    void[:, 20:] = 255
    save(root / "labels/test/test1.png", void)
    classes = [{"name": "grey", "value": 0}, {"name": "red", "value": 1}]
    (root / "classes.yaml").write_text(yaml.safe_dump({"classes": classes, "void": [255]}))
    values = {
        "run_dir": str(tmp_path / "run"),
        "iterations": 2,
        "dataset": {"kind": "folder", "root": str(root), "test": True},
        "acquisition": {"strategy": "random_box", "box_width": 16, "query_size": 1, "initial_images": 1},
        "network": {"kind": "module", "factory": "tiny_module:redness", "mean": [127, 127, 127], "std": [1, 1, 1]},
        "training": {"batch_size": 1, "max_epochs": 1, "steps_per_epoch": 1, "threads_per_worker": 1},
        "scoring": {"threads_per_actor": 1},
    }
    return parse_config(values)


# Columns: test0 has 16 red ones of 24 labelled 1 and 8 labelled 0; test1 the same 16, of 20 labelled 1, the rest void.
CONFUSION = [[8 * SIDE, 0], [(8 + 4) * SIDE, (16 + 16) * SIDE]]
TEST_MIOU = (8 / 20 + 32 / 44) / 2


def test_the_network_is_judged_on_both_by_hand(config, tmp_path):
    run_experiment(config, local_workers)
    for index, summary in enumerate(summaries(tmp_path / "run")):
        assert summary["miou"] == 1.0
        assert summary["test_miou"] == pytest.approx(TEST_MIOU, abs=1e-12)
        assert summary["test_class_iou"] == pytest.approx([8 / 20, 32 / 44])
        tested = json.loads((tmp_path / f"run/iterations/{index:03d}/test.json").read_text())
        assert tested["confusion"] == CONFUSION
        assert tested["images"] == 2
    row = summary_table([str(tmp_path / "run")])[-1]
    assert row["test mIoU"] == pytest.approx(TEST_MIOU)


def test_clicks_of_held_out_labels_are_counted_and_in_no_cost(config, tmp_path):
    run_experiment(config, local_workers)
    dataset = open_dataset(config.dataset, 0)
    oracle = Oracle(dataset, None)
    with_test = summaries(tmp_path / "run")[-1]
    for part, ids in (("validation", dataset.validation_ids()), ("test", dataset.test_ids())):
        clicks = [oracle.whole_image_clicks(image_id) for image_id in ids]
        assert with_test["clicks"][part]["polygon"] == sum(each.polygon for each in clicks) > 0
        assert with_test["clicks"][part]["class_"] == sum(each.class_ for each in clicks) > 0
        assert with_test["clicks"][part]["pixels"] == len(ids) * SIDE * SIDE
    without = config.model_copy(
        update={
            "run_dir": str(tmp_path / "without"),
            "dataset": config.dataset.model_copy(update={"test": False}),
        }
    )
    run_experiment(without, local_workers)
    assert queries(tmp_path / "without") == queries(tmp_path / "run")
    (last,) = summaries(tmp_path / "without")[-1:]
    assert last["test_miou"] is None
    assert "test" not in last["clicks"]
    assert {key: last[key] for key in last if key.startswith("cost_")} == {
        key: with_test[key] for key in with_test if key.startswith("cost_")
    }


def test_the_report_tells_both_and_what_the_labels_cost(config, tmp_path):
    run_experiment(config, local_workers)
    page = (tmp_path / "out/report.html", write_report([str(tmp_path / "run")], tmp_path / "out"))[0].read_text()
    assert "test mIoU" in page
    assert f"{100 * TEST_MIOU:.2f}" in page
    assert "of the same network on 2 other images" in page
    assert "clicks (25.0 % of what the whole pool would cost)" in page  # 1 validation image, 4 of the pool alike
    header, first, *_ = (tmp_path / "out/summary.csv").read_text().splitlines()
    values = dict(zip(header.split(","), first.split(","), strict=True))
    assert float(values["test_miou"]) == pytest.approx(TEST_MIOU)
    assert int(values["clicks_validation_polygon"]) > 0


class KilledError(Exception):
    pass


def test_judging_goes_on_behind_what_was_judged_before_a_kill(config, tmp_path, monkeypatch):
    images = [tmp_path / f"data/{kind}/test/test{index}.png" for index in range(2, 9) for kind in ("images", "labels")]
    for path in images:
        shutil.copy(path.with_name("test0.png"), path)
    run_experiment(config.model_copy(update={"run_dir": str(tmp_path / "undisturbed")}), local_workers)
    asked = []
    run = LocalScorer.run

    def killed(self, task, image_ids, bundle=None, *, on_rows):
        if task != "test_confusion":
            return run(self, task, image_ids, bundle, on_rows=on_rows)
        asked.append(list(image_ids))
        if len(asked) > 1:
            return run(self, task, image_ids, bundle, on_rows=on_rows)
        run(self, task, image_ids[:4], bundle, on_rows=on_rows)
        raise KilledError

    monkeypatch.setattr(LocalScorer, "run", killed)
    with pytest.raises(KilledError):
        run_experiment(config, local_workers)
    run_experiment(config, local_workers)
    assert len(asked[0]) == 9
    assert asked[1] == sorted(asked[0])[4:]
    assert summaries(tmp_path / "run") == summaries(tmp_path / "undisturbed")
    assert not list((tmp_path / "run").rglob("*.blocks"))


def test_damage_is_judged_anew_and_an_image_that_cannot_be_read_is_left_out(config, tmp_path):
    config = config.model_copy(update={"iterations": 1})
    run_experiment(config, local_workers)
    before = summaries(tmp_path / "run")
    (tmp_path / "run/iterations/000/test.json").write_text("{}")
    run_experiment(config, local_workers)
    assert summaries(tmp_path / "run") == before
    (tmp_path / "run/iterations/000/test.json").unlink()
    (tmp_path / "data/images/test/test1.png").write_bytes(b"\x89PNG no more")
    run_experiment(config, local_workers)
    tested = json.loads((tmp_path / "run/iterations/000/test.json").read_text())
    assert list(tested["failed_images"]) == ["test1"]
    assert summaries(tmp_path / "run")[0]["test_miou"] == pytest.approx((8 / 16 + 16 / 24) / 2)


def test_a_test_split_without_labels_is_refused_before_anything_runs(config, tmp_path):
    (tmp_path / "data/labels/test/test1.png").unlink()
    assert any("test split" in fault for fault in check_experiment(config).faults)
    with pytest.raises(InputError, match=r"1 of 2 images of the test split have no label map"):
        run_experiment(config, local_workers)
    for path in (tmp_path / "data/labels/test").iterdir():
        path.unlink()
    for name in ("test0", "test1"):
        save(tmp_path / f"data/labels/test/{name}.png", np.full((SIDE, SIDE), 255))
    with pytest.raises(InputError, match="void is all"):
        run_experiment(config, local_workers)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("kind", "write", "folders"),
    [
        ("camvid", write_camvid, {"val": "test", "valannot": "testannot"}),
        ("cityscapes", write_cityscapes, {"leftImg8bit/val": "leftImg8bit/test", "gtFine/val": "gtFine/test"}),
        ("folder", write_folder, {"images/val": "images/test", "labels/val": "labels/test"}),
    ],
)
def test_each_layout_has_its_split(kind, write, folders, tmp_path):
    root = write(tmp_path / "data") or tmp_path / "data"
    config = DatasetConfig(kind=kind, root=str(root), test=True)
    with pytest.raises(InputError, match="test"):
        open_dataset(config)
    for source, target in folders.items():
        shutil.copytree(root / source, root / target)
    dataset = open_dataset(config)
    assert len(dataset.test_ids()) == len(dataset.validation_ids()) > 0
    assert not {*dataset.pool_ids(), *dataset.validation_ids()} & {*dataset.test_ids()}
    for one, other in zip(dataset.validation_ids(), dataset.test_ids(), strict=True):
        np.testing.assert_array_equal(dataset.label_map(one), dataset.label_map(other))
    assert open_dataset(config.model_copy(update={"test": False})).test_ids() == []


def test_scenes_have_one_where_it_is_asked_for(tmp_path):
    values = tiny_values(tmp_path / "scenes", str(tmp_path / "run"))
    values["dataset"] |= {"test": True}
    with pytest.raises(ConfigError, match=r"scenes\.test_images 0"):
        parse_config(values)
    values["dataset"]["scenes"] = values["dataset"]["scenes"] | {"test_images": 2}
    dataset = open_dataset(parse_config(values).dataset, 0)
    assert len(dataset.test_ids()) == 2
    pictures = [dataset.image(image_id) for image_id in dataset.test_ids() + dataset.validation_ids()]
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)


def test_held_out_clicks_are_kept_for_the_next_iteration(config, tmp_path):
    run_experiment(config, local_workers)
    table = pq.read_table(tmp_path / "run/held_out_clicks.parquet")
    assert sorted(table["image_id"].to_pylist()) == ["test0", "test1", "val0"]

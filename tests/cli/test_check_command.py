"""`raymeta check`: what it tells, and what it refuses."""

import cv2
import numpy as np
import pytest
from refusals import assert_refused

from raymeta.cli import main
from raymeta.config import load_config
from raymeta.runs.run_store import RunStore

SIDE = 32


def test_check_tells_what_is_in_the_run_folder(config, camvid, capsys):
    RunStore(str(camvid / "run")).create(load_config(config))
    assert main(["check", str(config), "iterations=9"]) == 0
    assert "run: resumes the run there\n" in capsys.readouterr().out
    for name in ("config.yaml", "run.json"):
        (camvid / "run" / name).write_text("seed: 7\n")
        assert main(["check", str(config)]) == 0
        assert f"{name}: missing or damaged" in capsys.readouterr().out
        assert (camvid / "run" / name).read_text() == "seed: 7\n"
        RunStore(str(camvid / "run")).create(load_config(config))


@pytest.mark.parametrize("place", ["/dev/null", "/dev/null/run"])
def test_check_refuses_a_run_folder_that_can_not_be(config, capsys, place):
    assert_refused(capsys, ["check", config, f"run_dir={place}"], f"run folder {place}: /dev/null isn't a folder")


@pytest.mark.parametrize("many", [[], ["seeds=[1, 2]"]])
def test_check_refuses_a_run_folder_that_can_not_be_written(config, camvid, capsys, many):
    before = sorted(camvid.rglob("*"))
    assert_refused(
        capsys, ["check", config, "run_dir=/proc/nowhere", *many], "nothing can be written in /proc", "run_dir"
    )
    assert_refused(capsys, ["check", config, f"run_dir={camvid / ('x' * 300)}", *many], "name too long", "run_dir")
    assert main(["check", str(config), f"run_dir={camvid}/new/run", *many]) == 0
    assert sorted(camvid.rglob("*")) == before


def test_check_names_every_fault_and_changes_nothing(config, camvid, capsys):
    data = camvid / "data"
    truncated = data / "train/0.png"
    truncated.write_bytes(truncated.read_bytes()[:200])
    cv2.imwrite(str(data / "trainannot/1.png"), np.zeros((SIDE, SIDE + 1), np.uint8))
    cv2.imwrite(str(data / "trainannot/2.png"), np.full((SIDE, SIDE), 77, np.uint8))
    (data / "valannot/0.png").unlink()
    before = sorted(path.name for path in camvid.rglob("*"))
    assert_refused(capsys, ["check", config], "train/0.png", "trainannot/1.png", "trainannot/2.png", "77", "0.png")
    assert sorted(path.name for path in camvid.rglob("*")) == before


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("val", "2 validation images: their mIoU can't be told"),
        ("train", "2 initially labelled images: there is nothing"),
    ],
)
@pytest.mark.parametrize("command", ["check", "run"])
def test_void_labels_are_told_before_the_training(config, camvid, capsys, part, words, command):
    for path in (camvid / f"data/{part}annot").iterdir():
        cv2.imwrite(str(path), np.full((SIDE, SIDE), 11, np.uint8))
    assert_refused(capsys, [command, config], "void is all", words, "correct the labels or the class list")


def test_check_tells_what_the_numbers_mean(config, capsys):
    assert main(["check", str(config)]) == 0
    shown = capsys.readouterr().out
    assert "all readable" in shown
    assert "6 pool and 2 validation images of 32×32" in shown
    assert "16 side by side" in shown
    assert "meta set: 2 images (33.3 %)" in shown


def test_check_and_run_with_seeds(config, camvid, capsys):
    from raymeta.config import load_config
    from raymeta.runs.run_store import RunStore

    assert main(["check", str(config), "seeds=[4, 5]"]) == 0
    shown = capsys.readouterr().out
    assert "2 runs: seed_4, seed_5; the above is the first" in shown
    assert "seed_4: new" in shown.replace("\n", "")
    assert "seed_5: new" in shown.replace("\n", "")
    RunStore(str(camvid / "run/seed_5")).create(load_config(config, ["seed=5", "training.batch_size=2"]))
    assert_refused(
        capsys, ["check", config, "seeds=[4, 5]", "training.batch_size=1"], "seed_5 holds", "batch_size: 2 → 1"
    )
    RunStore(str(camvid / "run")).create(load_config(config))
    for command in ("run", "check"):
        assert_refused(capsys, [command, config, "seeds=[4, 5]"], "holds a run without repetitions")


def test_images_of_two_sizes_are_told_and_are_no_fault(config, camvid, capsys):
    for part in ("train", "trainannot"):
        path = camvid / f"data/{part}/3.png"
        cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[:16])
    assert main(["check", str(config), "training.batch_size=2"]) == 0
    assert "1 of 16×32" in capsys.readouterr().out


def test_masks_of_0_and_255_are_told_by_check_and_run(tmp_path, config, capsys):
    from dataset_layouts import save, write_folder

    root = write_folder(tmp_path / "masks", train=6, val=2)
    for path in root.glob("labels/*/*.png"):
        save(path, np.tile(np.uint8([0] * 10 + [255] * 10), (12, 1)))
    (root / "classes.yaml").write_text("classes: [{name: ground, value: 0}, {name: thing, value: 1}]\n")
    options = ["dataset.kind=folder", f"dataset.root={root}", "acquisition.box_width=4"]
    for command in ("check", "run"):
        assert_refused(capsys, [command, config, *options], "ground is the only class", "void: []")
    (root / "classes.yaml").write_text("classes: [{name: ground, value: 0}, {name: thing, value: 255}]\nvoid: []\n")
    assert main(["check", str(config), *options]) == 0
    assert "thing 50.0 %" in capsys.readouterr().out


def test_check_draws_a_picture_and_nothing_else(config, camvid, tmp_path, capsys):
    from PIL import Image

    before = sorted(camvid.rglob("*"))
    assert main(["check", str(config), "--picture", str(tmp_path / "check.png")]) == 0
    with Image.open(tmp_path / "check.png") as picture:
        assert picture.width == 960
    assert sorted(path for path in camvid.rglob("*") if path.name != "check.png") == before
    assert_refused(capsys, ["check", config, "--picture", "/dev/null/x.png"], "--picture", "choose another file")


def test_check_tells_what_a_budget_of_clicks_means(config, capsys):
    """More boxes than the pool holds are no fault where clicks end a query."""
    budget = ["acquisition.query_size=100000", "acquisition.query_clicks=2", "acquisition.query_growth=3"]
    assert main(["check", str(config), "iterations=3", *budget]) == 0
    shown = capsys.readouterr().out
    assert "the first of 3 queries ends after 2 clicks, the last after 18; the whole pool takes" in shown
    assert "% of the pool's pixels (cost_P)" not in shown


@pytest.mark.parametrize(("balance", "told"), [("0", True), ("0.5", False)])
def test_check_tells_that_points_may_be_drowned(config, capsys, balance, told):
    points = ["acquisition.strategy=points", "acquisition.box_width=8", f"training.example_balance={balance}"]
    assert main(["check", str(config), *points]) == 0
    assert ("training.example_balance 0:" in capsys.readouterr().out) == told


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        ("points", "points 8 pixels apart"),
        ("segments", "segments in tiles of 8 pixels"),
        ("random_box", "boxes of width 8"),
    ],
)
def test_a_query_that_the_pool_can_not_give_is_told_in_what_is_asked(config, capsys, strategy, words):
    asked = [f"acquisition.strategy={strategy}", "acquisition.box_width=8", "acquisition.query_size=100000"]
    assert_refused(capsys, ["check", config, *asked], "100000", words)


def test_a_pool_that_is_labelled_already_leaves_nothing_to_ask_people(config, capsys):
    assert_refused(capsys, ["check", config, "oracle.kind=people"], "leave out oracle.kind")

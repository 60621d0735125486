"""`raymeta label`: one command from a folder of images to a page and a run that goes on by itself."""

import os
import shlex
import shutil
import signal
import socket
import time
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest
import yaml
from http_person import answer_all
from label_command import label_command
from PIL import Image
from simulated_person import CLASSES, SIZE, truth_of, write_images

from raymeta.cli import main
from raymeta.config import OracleConfig, load_config, parse_config
from raymeta.datasets.registry import open_dataset
from raymeta.errors import EXIT_BAD_INPUT, EXIT_INTERRUPTED, EXIT_WAITING
from raymeta.first_config import MAX_POINTS, first_config
from raymeta.service.settings import ServiceSettings
from raymeta.service.start_checks import who_may

pytestmark = pytest.mark.slow

ORIENTATION = 0x0112
"""EXIF's tag."""
SMALL = (
    "iterations=1",
    "acquisition.box_width=8",
    "acquisition.query_size=4",
    "acquisition.meta_images=1",
    "meta_regressor.trees=5",
    "training.steps=4",
    "training.min_steps=1",
    "training.crop_height=null",
    "training.crop_width=null",
)


@pytest.fixture
def folder(tmp_path):
    """`mine`: 12 images side by side, and the class list."""
    root = tmp_path / "mine"
    write_images(root, labelled=False, train=12, val=1)
    for path in (root / "images/train").iterdir():
        path.rename(root / "images" / path.name)
    for part in ("train", "val"):
        for path in (root / "images" / part).iterdir():
            path.unlink()
        (root / "images" / part).rmdir()
    return root


@pytest.mark.long
def test_people_label_and_the_run_goes_on_by_itself(folder):
    with (
        label_command(folder.parent, "mine", *SMALL) as command,
        httpx.Client(base_url=command.url, timeout=30) as client,
    ):
        wanted = 2 + 1 + 1 + 4  # validation, initial and meta images, boxes
        answered = 0

        def all_answered():
            nonlocal answered
            answered += answer_all(client)
            return answered == wanted

        command.until(all_answered)
        command.until_told("done; the page stays")
        command.until(lambda: client.get("/v1/model").status_code == 200)
        assert command.end(signal.SIGINT) == 0, command.output
    table = pq.read_table(folder.parent / "runs/mine/iterations/000/annotation.parquet")
    assert table.num_rows == 4
    assert not (folder / "labels").exists()


def test_ctrl_c_and_a_kill_leave_no_page_and_the_same_command_goes_on(folder):
    for end, code in ((signal.SIGINT, EXIT_INTERRUPTED), (signal.SIGKILL, -signal.SIGKILL)):
        with label_command(folder.parent, "mine", *SMALL) as command:
            assert httpx.get(f"{command.url}/v1/tasks/progress", timeout=60).json()["open"] == 4
            assert command.end(end) == code, command.output
            ends = time.monotonic() + 60
            while listens(command.url):
                assert time.monotonic() < ends, "the page outlived its command"
                time.sleep(0.1)


def listens(url):
    try:
        httpx.get(f"{url}/healthz", timeout=10)
    except httpx.TransportError:
        return False
    return True


def test_the_config_follows_the_images(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder.parent)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["label", "mine", "--port", port]) == EXIT_BAD_INPUT  # before anything is written
        assert not (folder.parent / "runs").exists()
    place = f"../{folder.parent.name}/mine"
    assert main(["label", place, "--ask", "boxes", "oracle.kind=simulated", "--port", "8765"]) == EXIT_BAD_INPUT
    assert "oracle.kind=people" in capsys.readouterr().err
    config = load_config(folder.parent / "runs/mine.yaml")
    assert (config.run_dir, config.oracle.kind) == (str(folder.parent / "runs/mine"), "people")
    assert config.dataset.root == str(folder)
    dataset = open_dataset(config.dataset)
    assert dataset.class_names == CLASSES
    assert dataset.validation_ids() == ["im3", "im9"]  # each sixth by name: im0, im1, im10, im11, im2, im3, …
    assert len(dataset.pool_ids()) == 10
    assert not any(map(dataset.has_labels, dataset.pool_ids()))
    assert dataset.size("im0") == SIZE == truth_of("im0").shape
    acquisition = config.acquisition
    assert (acquisition.box_width, acquisition.query_size) == (16, 4)
    assert (acquisition.initial_images, acquisition.meta_images) == (1, 2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda root: (root / "classes.yaml").unlink(), "classes.yaml"),
        (lambda root: [path.unlink() for path in (root / "images").iterdir()], "no image"),
        (lambda root: root.rename(root.with_name("elsewhere")), "no such folder"),
    ],
)
def test_folders_that_cant_be_labelled_are_told(folder, monkeypatch, capsys, change, words):
    monkeypatch.chdir(folder.parent)
    change(folder)
    assert main(["label", "mine", "--port", "8765"]) == EXIT_BAD_INPUT
    assert words in capsys.readouterr().err
    assert not os.path.exists("runs")


def test_images_that_cant_be_read_are_told_before_anybody_is_asked(folder, monkeypatch, capsys):
    """One is cut off, and one lies on its side, as phones write them."""
    monkeypatch.chdir(folder.parent)
    first, second = sorted((folder / "images").iterdir())[:2]
    first.write_bytes(first.read_bytes()[:200])
    with Image.open(second) as image:
        exif = image.getexif()
        exif[ORIENTATION] = 6
        image.save(second.with_suffix(".jpg"), exif=exif)
    second.unlink()
    assert main(["label", "mine", "--port", "8765", "--local"]) == EXIT_BAD_INPUT
    told = capsys.readouterr().err
    assert first.name in told
    assert second.with_suffix(".jpg").name in told
    assert not (folder.parent / "runs/mine").exists()


def test_a_folder_that_is_not_ready_is_told_what_it_lacks(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder.parent)

    def refused(place):
        assert main(["label", place, "--port", "8765"]) == EXIT_BAD_INPUT
        assert not Path("runs").exists()
        return capsys.readouterr().err

    assert f"name {folder}, where classes.yaml is" in refused("mine/images")
    kept = folder.rename(folder.parent / "kept")
    (folder / "images").mkdir(parents=True)
    (folder / "classes.yaml").write_text((kept / "classes.yaml").read_text())
    assert "holds no image, and at least 4" in refused("mine")
    for number in range(12):
        (folder / f"images/{number}.gif").write_bytes(b"GIF89a")
    assert "files .gif are not read" in refused("mine")
    shutil.rmtree(folder)
    kept.rename(folder)
    (folder / "classes.yaml").rename("kept.yaml")
    assert "classes: [road, car]" in refused("mine")
    for image in (folder / "images").iterdir():
        image.rename(folder / image.name)
    told = refused("mine")
    assert f"lie in {folder} itself" in told
    assert f"move them into {folder / 'images'}" in told


def test_two_files_that_differ_in_their_ending_alone_are_told_apart_by_hand(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder.parent)
    image = min((folder / "images").iterdir())
    Image.open(image).convert("RGB").save(image.with_suffix(".jpg"))
    assert main(["label", "mine", "--port", "8765"]) == EXIT_BAD_INPUT
    told = capsys.readouterr().err
    assert "keep one of them, or rename one" in told
    assert "{id}" not in told


def test_who_may_tells_that_a_second_person_is_needed():
    settings = ServiceSettings("run", local_person=True)
    for share in (0.0, 0.2):
        told = who_may(settings, "127.0.0.1", OracleConfig(kind="people", double_share=share))
        assert any("annotators add" in line for line in told) == (share > 0)


def test_commands_that_are_printed_can_be_typed(folder, tmp_path, monkeypatch, capsys):
    spaced = folder.rename(folder.parent / "meine Bilder")
    monkeypatch.chdir(spaced.parent)
    values = first_config(str(spaced), str(spaced.parent / "runs/meine Bilder"))
    Path("mine.yaml").write_text(values)
    assert main(["run", "mine.yaml", "--local"]) == EXIT_WAITING
    told = capsys.readouterr().err
    export = shlex.split(told[told.index("raymeta tasks export") :].partition(";")[0])
    assert main([*export[1:-1], str(tmp_path / "hand out")]) == 0
    back = shlex.split(capsys.readouterr().out.strip().rpartition("bring them back: ")[2])
    assert back[1:] == ["tasks", "import", str(spaced.parent / "runs/meine Bilder"), str(tmp_path / "hand out")]


def test_a_new_run_asks_for_superpixels_unless_something_else_is_wanted(folder, tmp_path, capsys):
    """A query of superpixels fits what is left of the images, and check finds nothing wrong."""
    text = first_config(str(folder), str(tmp_path / "runs/superpixels"))
    config = parse_config(yaml.safe_load(text))
    assert (config.acquisition.strategy, config.acquisition.unit) == ("superpixels", "superpixel")
    assert config.training.example_balance == 0.5
    assert 0 < config.acquisition.query_size <= MAX_POINTS
    Path(tmp_path / "new.yaml").write_text(text)
    assert main(["check", str(tmp_path / "new.yaml")]) == 0
    assert "wide tiles" not in capsys.readouterr().out
    assert main(["check", str(tmp_path / "new.yaml"), "acquisition.box_width=8", "acquisition.query_size=4"]) == 0
    assert "acquisition.box_width 8: parts in wide tiles" in capsys.readouterr().out
    segments = parse_config(yaml.safe_load(first_config(str(folder), str(tmp_path / "runs/parts"), "segments")))
    assert (segments.acquisition.unit, segments.training.example_balance) == ("segment", 0.5)
    assert segments.acquisition.box_width <= config.acquisition.box_width
    points = parse_config(yaml.safe_load(first_config(str(folder), str(tmp_path / "runs/points"), "points")))
    assert (points.acquisition.unit, points.training.example_balance) == ("point", 0.5)
    boxes = parse_config(yaml.safe_load(first_config(str(folder), str(tmp_path / "runs/boxes"), "boxes")))
    assert (boxes.acquisition.unit, boxes.training.example_balance) == ("box", 0.0)

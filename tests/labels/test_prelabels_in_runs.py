"""What the network sees in a query is kept when it is handed out, pre-drawn in exports, and read back."""

import shutil

import numpy as np
import pytest
from simulated_person import answer_all, config_text, write_images

from raymeta.acquisition.image_prediction import predict_image
from raymeta.cli import main
from raymeta.cli.task_options import open_labels
from raymeta.config import load_config
from raymeta.datasets.registry import open_dataset
from raymeta.errors import WaitingForPeople
from raymeta.exchange import FORMATS, load_manifest, read_answers, write_pictures
from raymeta.exchange.drawn_pictures import DrawnPicture, DrawnShape
from raymeta.labels.prelabels import predicted_segments, prelabel_raster
from raymeta.labels.task_sets import Task
from raymeta.labels.task_states import OPEN
from raymeta.loop.bundle import Bundle
from raymeta.loop.image_scorer import ImageScorer
from raymeta.loop.iterations import run_experiment
from raymeta.loop.local_workers import local_device, local_workers
from raymeta.runs.run_status import run_status
from raymeta.runs.store_files import RunError


@pytest.fixture(scope="module")
def waiting(tmp_path_factory):
    """A run that waits for the answers to its first query."""
    folder = tmp_path_factory.mktemp("waiting")
    write_images(folder / "data", labelled=False)
    (folder / "config.yaml").write_text(config_text(folder / "data", folder / "run", "{kind: people}"))
    for turn in range(2):
        with pytest.raises(WaitingForPeople):
            run_experiment(load_config(folder / "config.yaml"), local_workers)
        if turn == 0:
            answer_all(folder / "run", folder / "whole", "labelme")
    return folder


@pytest.fixture
def run(waiting, tmp_path):
    return shutil.copytree(waiting / "run", tmp_path / "run")


def test_segments_of_a_query_are_the_networks(waiting):
    store, labels = open_labels(str(waiting / "run"))
    folder, config = store.iteration(0), store.load_config()
    dataset = open_dataset(config.dataset)
    network, regressor = folder.read_bytes("network.pt"), folder.read_bytes("meta_regressor.bin")
    bundle = Bundle("test", 0, network, regressor, labels.known_labels(0).regions)
    scorer = ImageScorer(config, dataset, bundle, local_device())
    found = labels.prelabels.of_set("query-000")
    tasks = labels.sets.tasks("query-000")
    assert set(found) == {task.id for task in tasks}
    for task in tasks:
        prediction = predict_image(scorer.read_softmax(task.image_id)[0], scorer.regressor)
        inside = np.s_[task.top : task.top + task.height, task.left : task.left + task.width]
        np.testing.assert_array_equal(prelabel_raster(task, found[task.id]), prediction.segmentation[inside])
        assert sum(segment.pixels for segment in found[task.id]) == task.height * task.width
        known = set(prediction.predicted_iou[inside].ravel().tolist())
        assert {segment.predicted_iou for segment in found[task.id]} == known


def test_ious_belong_to_the_segment_that_a_piece_is_part_of():
    """One segment of class 1 goes around the box's corner: both of its pieces inside have its predicted IoU."""
    classes = np.array([[1, 0, 1], [1, 0, 1], [1, 1, 1]], np.uint8)
    ious = np.where(classes == 1, 0.75, 0.25).astype(np.float32)
    pieces = predicted_segments(classes, ious, (0, 0, 2, 3))
    assert [(piece.class_id, piece.predicted_iou, piece.pixels) for piece in pieces] == [
        (1, 0.75, 2),
        (0, 0.25, 2),
        (1, 0.75, 2),
    ]
    task = Task("t", "query-000", "a", 0, 0, 2, 3, 1)
    np.testing.assert_array_equal(prelabel_raster(task, pieces), classes[:2])
    assert predicted_segments(classes, None, (0, 0, 2, 3))[0].predicted_iou is None


def test_whole_images_were_asked_before_there_was_a_network(waiting):
    _, labels = open_labels(str(waiting / "run"))
    assert labels.prelabels.of_set("initial") == {}


def test_damaged_or_missing_prelabels_are_told(run):
    path = run / "labels/sets/query-000/prelabels.parquet"
    data = path.read_bytes()
    path.write_bytes(data[:50] + bytes([data[50] ^ 1]) + data[51:])
    for _ in range(2):
        _, labels = open_labels(str(run))
        with pytest.raises(RunError):
            labels.prelabels.of_set("query-000")
        path.unlink(missing_ok=True)


def export(run, folder, form, *more):
    names = ["--set", "query-000", "--prelabels", "segments"]
    return main(["tasks", "export", str(run), "--format", form, "--out", str(folder), *names, *more])


def save_all(folder, form, answers):
    """A tool that writes each picture as it was opened."""
    manifest = load_manifest(folder)
    pictures = [
        DrawnPicture(
            f"{task.id}.png",
            task.crop.height,
            task.crop.width,
            task.id,
            [DrawnShape(each.label, each.rings, shape_id=each.id) for each in task.prelabels],
        )
        for task in manifest.tasks
    ]
    write_pictures(answers, pictures, manifest.classes, form)


def test_confirmed_segments_are_the_networks_labels(run, tmp_path):
    assert export(run, tmp_path / "out", "labelme") == 0
    assert list(read_answers(tmp_path / "out", tmp_path / "out")) == []
    save_all(tmp_path / "out", "labelme", tmp_path / "saved")
    assert main(["tasks", "import", str(run), str(tmp_path / "saved"), "--who", "ann"]) == 0
    _, labels = open_labels(str(run))
    for state in labels.states("query-000"):
        assert state.name == "accepted"
        answer = state.accepted
        np.testing.assert_array_equal(
            answer.labels(), prelabel_raster(state.task, labels.prelabels.of_task(state.task))
        )
        assert (answer.human_polygon, answer.human_class, answer.human_confirm) == (0, 0, 1)


def test_a_list_of_classes_that_lies_beside_what_was_changed_is_no_answer_that_lacks(run, tmp_path, capsys):
    assert export(run, tmp_path / "out", "cvat") == 0
    drawn = tmp_path / "out/annotations.xml"
    drawn.write_text(drawn.read_text().replace('source="auto"', 'source="manual"'))
    capsys.readouterr()
    assert main(["tasks", "import", str(run), str(tmp_path / "out"), "--dry-run"]) == 0
    assert "as it was handed out" not in capsys.readouterr().out


def test_cvat_files_dont_say_whether_anybody_looked(run, tmp_path, capsys):
    assert export(run, tmp_path / "out", "cvat") == 0
    save_all(tmp_path / "out", "cvat", tmp_path / "saved")
    assert main(["tasks", "import", str(run), str(tmp_path / "saved")]) == 0
    assert "--confirm-unchanged" in capsys.readouterr().out
    _, labels = open_labels(str(run))
    assert all(state.name in OPEN for state in labels.states("query-000"))
    assert main(["tasks", "import", str(run), str(tmp_path / "saved"), "--confirm-unchanged"]) == 0
    _, labels = open_labels(str(run))
    assert all(state.name == "accepted" for state in labels.states("query-000"))


def test_a_copied_run_names_its_own_place(run):
    waits_for = run_status(str(run)).waits_for
    assert f"tasks export {run} --format" in waits_for
    assert f"tasks import {run} DIR" in waits_for


def test_help_names_every_format(capsys):
    with pytest.raises(SystemExit):
        main(["tasks", "export", "--help"])
    shown = capsys.readouterr().out
    assert all(format in shown for format in FORMATS)


@pytest.mark.parametrize("format", FORMATS)
def test_an_export_that_nobody_touched_is_no_answer_unless_its_giver_says_so(run, tmp_path, capsys, format):
    out = tmp_path / "out"
    assert export(run, out, format) == 0
    capsys.readouterr()
    taken = format != "label-studio"  # whose files tell what somebody submitted from what was predicted
    assert main(["tasks", "import", str(run), str(out)]) == 0
    assert ("--confirm-unchanged" in capsys.readouterr().out) == taken
    _, labels = open_labels(str(run))
    assert all(state.name in OPEN for state in labels.states("query-000"))
    assert main(["tasks", "import", str(run), str(out), "--confirm-unchanged"]) == 0
    _, labels = open_labels(str(run))
    assert all((state.name == "accepted") == taken for state in labels.states("query-000"))


def test_simplified_segments_cover_each_pixel_once(run, tmp_path):
    assert export(run, tmp_path / "plain", "labelme") == 0
    assert export(run, tmp_path / "simple", "labelme", "--simplify", "1.5") == 0
    plain, simple = (load_manifest(tmp_path / name) for name in ("plain", "simple"))
    count = [sum(len(p.points) for task in m.tasks for p in task.prelabels) for m in (plain, simple)]
    assert count[1] <= count[0]
    save_all(tmp_path / "simple", "labelme", tmp_path / "saved")
    for answer in read_answers(tmp_path / "saved", simple):
        assert answer.uncovered == 0
        assert {shape.mark for shape in answer.shapes} == {"unchanged"}


def test_export_without_prelabels_draws_nothing(run, tmp_path):
    assert main(["tasks", "export", str(run), "--format", "cvat", "--out", str(tmp_path / "out")]) == 0
    assert not (tmp_path / "out/annotations.xml").exists()

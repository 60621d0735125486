"""Answers come back once and whole: imported twice, by two at once, or by a process that is killed at any write."""

import os
import shutil
import signal

import numpy as np
import pytest
from simulated_person import CLASSES, config_text, draw, truth_of, write_images

from raymeta.cli import main
from raymeta.cli.task_options import open_labels
from raymeta.config import load_config
from raymeta.errors import EXIT_BAD_INPUT, EXIT_FAILED, WaitingForPeople
from raymeta.exchange import DrawnPicture, DrawnShape, load_manifest, write_pictures
from raymeta.labels.answer_imports import import_answers
from raymeta.loop.iterations import run_experiment
from raymeta.loop.local_workers import local_workers
from raymeta.runs import store_files


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A run that waits for L0, M and validation: 6 whole images; handed out, and drawn by somebody."""
    folder = tmp_path_factory.mktemp("asked")
    write_images(folder / "data", labelled=False)
    (folder / "config.yaml").write_text(config_text(folder / "data", folder / "run", "{kind: people}"))
    with pytest.raises(WaitingForPeople):
        run_experiment(load_config(folder / "config.yaml"), local_workers)
    assert main(["tasks", str(folder / "run"), "export", "--format", "labelme", "--out", str(folder / "out")]) == 0
    draw(folder / "out", "labelme", folder / "drawn")
    return folder


@pytest.fixture
def run(asked, tmp_path):
    return shutil.copytree(asked / "run", tmp_path / "run")


def bring_back(run, path, **options):
    store, labels = open_labels(str(run))
    return import_answers(store, labels, path, **options)


def answer_files(run):
    return sorted(path.name for path in run.glob("labels/answers/*/*.json"))


def states(run):
    _, labels = open_labels(str(run))
    found = [state for name in labels.sets.names() for state in labels.states(name)]
    return {state.task.id: (state.name, state.accepted and state.accepted.labels_sha256) for state in found}


def test_answers_are_the_drawn_labels_and_a_second_import_changes_nothing(asked, run):
    first = bring_back(run, asked / "drawn", who="ann")
    assert (first.read, first.added, first.unchanged, first.refused) == (6, 6, 0, 0)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    second = bring_back(run, asked / "drawn", who="ann")
    assert (second.read, second.added, second.unchanged) == (6, 0, 6)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    _, labels = open_labels(str(run))
    for name in labels.sets.names():
        for state in labels.states(name):
            assert state.name == "accepted"
            truth = truth_of(state.task.image_id.rpartition("/")[2])
            np.testing.assert_array_equal(state.accepted.labels(), truth)


def test_what_was_read_is_the_sum_of_what_became_of_it(asked, run, tmp_path):
    shutil.copytree(asked / "drawn", tmp_path / "drawn")
    spoilt = sorted(path for path in (tmp_path / "drawn").rglob("*.json") if path.name != "raymeta_tasks.json")[0]
    spoilt.write_text("{")
    summary = bring_back(run, tmp_path / "drawn", who="ann")
    assert (summary.read, summary.added, summary.refused) == (6, 5, 1)


def test_a_dry_run_keeps_nothing(asked, run):
    before = answer_files(run)
    assert bring_back(run, asked / "drawn", dry_run=True).added == 6
    assert answer_files(run) == before


def in_a_child(action):
    """Exit code, or minus the signal, of a forked process."""
    child = os.fork()
    if child == 0:
        try:
            action()
        finally:
            os._exit(1)
    return child


@pytest.mark.parametrize("moment", ["before", "unnamed", "after"])
@pytest.mark.parametrize("write", [0, 2, 5])
def test_an_import_killed_at_a_write_goes_on(asked, run, monkeypatch, moment, write):
    """before: nothing is written; unnamed: the temporary file is; after: the answer is there, and nobody knows."""
    expected = shutil.copytree(run, run.with_name("expected"))
    bring_back(expected, asked / "drawn", who="ann")
    written, local = [], store_files._write_local

    def dies(path, data, ending):
        written.append(path)
        if len(written) <= write:
            return local(path, data, ending)
        if moment == "unnamed":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_name(f".{path.name}{ending}").write_bytes(data[: len(data) // 2])
        elif moment == "after":
            local(path, data, ending)
        return os.kill(os.getpid(), signal.SIGKILL)

    def killed():
        monkeypatch.setattr(store_files, "_write_local", dies)
        bring_back(run, asked / "drawn", who="ann")

    _, status = os.waitpid(in_a_child(killed), 0)
    assert os.WIFSIGNALED(status)
    kept = answer_files(run)
    assert len(kept) == write + (moment == "after")
    again = bring_back(run, asked / "drawn", who="ann")
    assert (again.added, again.unchanged) == (6 - len(kept), len(kept))
    assert answer_files(run) == answer_files(expected)
    assert states(run) == states(expected)


def test_two_importers_at_once_keep_each_answer_once(asked, run):
    def imports():
        bring_back(run, asked / "drawn", who="ann")
        os._exit(0)

    children = [in_a_child(imports) for _ in range(3)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert len(answer_files(run)) == 6
    assert {name for name, _ in states(run).values()} == {"accepted"}


def draw_all_of_one_class(asked, folder, value):
    """Answers that say one class for each whole image."""
    manifest = load_manifest(asked / "out")
    pictures = []
    for task in manifest.tasks:
        height, width = task.crop.height, task.crop.width
        ring = np.array([[0, 0], [width, 0], [width, height], [0, height]], float)
        shape = DrawnShape(CLASSES[value] if value < 3 else "lorry", (ring,))
        pictures.append(DrawnPicture(f"{task.id}.png", height, width, task.id, [shape]))
    write_pictures(folder, pictures, manifest.classes, "labelme")


def test_two_people_who_differ_are_a_conflict_that_somebody_decides(asked, run, tmp_path, capsys):
    draw_all_of_one_class(asked, tmp_path / "ann", 0)
    draw_all_of_one_class(asked, tmp_path / "ben", 1)
    bring_back(run, tmp_path / "ann", who="ann")
    summary = bring_back(run, tmp_path / "ben", who="ben")
    assert summary.states == {"conflict": 6}
    assert sum("ann and ben agree on 0 %" in message for message in summary.messages) == 6
    draw_all_of_one_class(asked, tmp_path / "dora", 1)
    summary = bring_back(run, tmp_path / "dora", who="dora")  # as ben: who differs is ann
    assert sum("ann and ben agree on 0 %" in message for message in summary.messages) == 6
    task = next(iter(states(run)))
    assert main(["tasks", "accept", str(run), "--task", task]) == EXIT_BAD_INPUT  # which one?
    _, labels = open_labels(str(run))
    answers = labels.answers.of_set(task.rpartition("-")[0])[task]
    wanted = next(answer for answer in answers if answer.who == "ben")
    assert main(["tasks", "accept", str(run), "--task", task, "--answer", wanted.id, "--who", "cem"]) == 0
    assert states(run)[task] == ("accepted", wanted.labels_sha256)
    capsys.readouterr()
    assert main(["tasks", str(run), "log", "--task", task]) == 0
    log = capsys.readouterr().out
    assert all(name in log for name in ("ann", "ben", "cem"))
    assert main(["tasks", str(run)]) == 0


def test_unknown_labels_are_refused_answer_by_answer(asked, run, tmp_path):
    draw_all_of_one_class(asked, tmp_path / "drawn", 3)
    assert main(["tasks", "import", str(run), str(tmp_path / "drawn")]) == EXIT_FAILED
    assert not answer_files(run)
    assert main(["tasks", "import", str(run), str(tmp_path / "drawn"), "--map", "lorry=car"]) == 0
    assert len(answer_files(run)) == 6


def test_the_list_of_another_run_is_refused_whole(asked, run, tmp_path):
    shutil.copytree(asked / "drawn", tmp_path / "drawn")
    text = (asked / "out/raymeta_tasks.json").read_text().replace('"initial-', '"final-')
    (tmp_path / "drawn/raymeta_tasks.json").write_text(text)
    assert main(["tasks", "import", str(run), str(tmp_path / "drawn")]) == EXIT_BAD_INPUT
    assert not answer_files(run)


def test_closed_tasks_are_withdrawn_and_voided_ones_count(asked, run, capsys):
    assert main(["tasks", str(run), "void", "--set", "meta", "--reason", "fog"]) == 0
    assert main(["tasks", str(run), "close", "--set", "validation"]) == 0
    assert main(["tasks", str(run), "recall", "--set", "initial"]) == 0
    found = states(run)
    names = {task: name for task, (name, _) in found.items()}
    assert {name for task, name in names.items() if task.startswith("meta")} == {"void"}
    assert {name for task, name in names.items() if task.startswith("validation")} == {"withdrawn"}
    assert {name for task, name in names.items() if task.startswith("initial")} == {"proposed"}
    assert main(["tasks", str(run), "close"]) == EXIT_BAD_INPUT
    assert main(["tasks", str(run), "close", "--set", "query-009"]) == EXIT_BAD_INPUT


def test_bought_labels_are_written_as_a_data_set(asked, run, tmp_path):
    bring_back(run, asked / "drawn", who="ann")
    assert main(["tasks", str(run), "labels", "--out", str(tmp_path / "bought")]) == 0
    assert len(list((tmp_path / "bought/labels/train").glob("*.png"))) == 4
    assert len(list((tmp_path / "bought/labels/val").glob("*.png"))) == 2

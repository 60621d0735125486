"""Tasks that somebody has already are told where they are exported again, and left out where that is asked for."""

import re

import pytest
from asked_run import asked_run

from raymeta.cli import main
from raymeta.cli.task_options import open_labels
from raymeta.errors import EXIT_BAD_INPUT
from raymeta.exchange import FORMATS, load_manifest
from raymeta.labels.annotator_list import Person
from raymeta.labels.task_dispatcher import TaskDispatcher

BOXES = [("im1", 0, 0), ("im2", 8, 8), ("im3", 16, 16)]


@pytest.fixture
def run(tmp_path):
    return asked_run(tmp_path, BOXES).location


def export(run, folder, *more):
    return main(["tasks", "export", run, "--format", "labelme", "--out", str(folder), *more])


def ids(folder):
    return [task.id for task in load_manifest(folder).tasks]


def test_a_second_export_tells_how_many_are_out_and_since_when(run, tmp_path, capsys):
    first = tmp_path / "first"
    assert export(run, first, "--limit", "2") == 0
    assert "warning" not in "".join(capsys.readouterr())
    time = open_labels(run)[1].events.all()[0].time
    assert export(run, tmp_path / "second") == 0
    told = capsys.readouterr().err
    assert "2 of these 3 tasks" in told
    assert time[:16].replace("T", " ") in told
    assert str(first) in told
    assert "--only-new" in told
    assert len(ids(tmp_path / "second")) == 3


def test_only_new_leaves_them_out(run, tmp_path, capsys):
    assert export(run, tmp_path / "first", "--limit", "2") == 0
    assert export(run, tmp_path / "second", "--only-new", "--limit", "2") == 0
    assert "warning" not in "".join(capsys.readouterr())
    assert not set(ids(tmp_path / "first")) & set(ids(tmp_path / "second"))
    assert len(ids(tmp_path / "second")) == 1
    assert export(run, tmp_path / "third", "--only-new") == EXIT_BAD_INPUT
    assert "handed out" in capsys.readouterr().err
    assert not (tmp_path / "third").exists()


def test_each_earlier_export_is_told(run, tmp_path, capsys):
    assert export(run, tmp_path / "first", "--limit", "1") == 0
    assert export(run, tmp_path / "second", "--only-new") == 0
    capsys.readouterr()
    assert export(run, tmp_path / "third") == 0
    told = capsys.readouterr().err
    assert "3 of these 3 tasks" in told
    assert re.search(f"1 .*{tmp_path / 'first'}", told)
    assert re.search(f"2 .*{tmp_path / 'second'}", told)


def test_what_was_taken_back_is_new(run, tmp_path, capsys):
    assert export(run, tmp_path / "first") == 0
    assert main(["tasks", "recall", run, "--set", "query-000"]) == 0
    capsys.readouterr()
    assert export(run, tmp_path / "second", "--only-new") == 0
    assert "warning" not in "".join(capsys.readouterr())
    assert len(ids(tmp_path / "second")) == 3


def test_what_somebody_is_labelling_on_the_page_is_told(run, tmp_path, capsys):
    store, labels = open_labels(run)
    assert TaskDispatcher(labels, store.files).lease(Person("ann", frozenset({"annotate"})), 1).states
    assert export(run, tmp_path / "out") == 0
    assert "ann" in capsys.readouterr().err


@pytest.mark.parametrize("format", FORMATS)
def test_an_untouched_export_without_predictions_holds_nothing_to_confirm(run, tmp_path, capsys, format):
    out = tmp_path / "out"
    assert main(["tasks", "export", run, "--format", format, "--out", str(out)]) == 0
    capsys.readouterr()
    assert main(["tasks", "import", run, str(out)]) == 0
    shown = "".join(capsys.readouterr())
    assert "confirm-unchanged" not in shown
    assert "handed out" in shown or "holds no annotations" in shown  # some formats have no file where nothing is drawn

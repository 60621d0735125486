"""A finished run of people: its ledger in the report and at `raymeta tasks`, and its doubtful labels asked again."""

import csv
import shutil

import pytest
from simulated_person import answer_all, config_text, write_images

from raymeta.cli import main
from raymeta.cli.task_options import open_labels
from raymeta.config import load_config
from raymeta.errors import EXIT_BAD_INPUT, WaitingForPeople
from raymeta.labels.ledger import ledger
from raymeta.loop.doubted_labels import find_doubts
from raymeta.loop.iterations import run_experiment
from raymeta.loop.local_workers import local_workers


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Two iterations answered in labelme, and what `tasks` says before the last query is answered."""
    folder = tmp_path_factory.mktemp("finished")
    write_images(folder / "data", labelled=False)
    (folder / "config.yaml").write_text(config_text(folder / "data", folder / "run", "{kind: people}"))
    config = load_config(folder / "config.yaml")
    for turn in range(3):
        with pytest.raises(WaitingForPeople):
            run_experiment(config, local_workers)
        if turn == 0:
            shutil.copytree(folder / "run", folder / "begun")
        answer_all(folder / "run", folder / f"turn{turn}", "labelme")
    run_experiment(config, local_workers)
    return folder


@pytest.fixture
def run(finished, tmp_path):
    return shutil.copytree(finished / "run", tmp_path / "run")


def test_every_task_has_its_line(finished):
    store, labels = open_labels(str(finished / "run"))
    rows = ledger(store, labels).to_pylist()
    assert len(rows) == 2 + 2 + 2 + 6 + 6
    boxes = [row for row in rows if not row["whole"]]
    truth = [row for index in range(2) for row in store.iteration(index).read_table("annotation.parquet").to_pylist()]
    assert [row["polygon_clicks"] for row in boxes] == [row["polygon_clicks"] for row in truth]
    assert all(row["human_polygon"] is not None and row["seconds"] is None for row in boxes)  # labelme has no clock
    assert {row["tool"] for row in rows} == {"labelme"}


def test_report_and_list_tell_what_was_spent(finished, tmp_path, capsys):
    assert main(["report", str(finished / "run"), "--out", str(tmp_path / "report")]) == 0
    page = (tmp_path / "report/report.html").read_text()
    assert "What people spent" in page
    lines = list(csv.DictReader((tmp_path / "report/ledger.csv").open()))
    assert len(lines) == 18
    assert {line["seconds"] for line in lines} == {""}
    (tool,) = csv.DictReader((tmp_path / "report/tools.csv").open())
    assert (tool["tool"], tool["boxes"], tool["seconds"]) == ("labelme", "12", "")
    capsys.readouterr()
    assert main(["tasks", str(finished / "run")]) == 0
    assert "left: 0 boxes, 0 images, 0 boxes to come" in capsys.readouterr().out


def test_doubted_answers_are_asked_again_and_count_until_then(run, tmp_path, capsys):
    store, labels = open_labels(str(run))
    found = find_doubts(store, labels, min_pixels=4)
    scores = [each.doubt.score for each in found]
    assert scores == sorted(scores, reverse=True)
    assert all(each.task_id is not None for each in found)  # people answered everything here
    out = tmp_path / "doubts.csv"
    words = ["doubts", str(run), "--min-pixels", "4", "--csv", str(out), "--reopen", "2", "--who", "lead"]
    assert main(words) == 0
    assert len(list(csv.DictReader(out.open()))) == len(found)
    wanted = list(dict.fromkeys(each.task_id for each in found))[:2]
    _, labels = open_labels(str(run))
    states = {state.task.id: state for name in labels.sets.names() for state in labels.states(name)}
    assert [task for task, state in states.items() if state.name == "proposed"] == sorted(
        wanted, key=list(states).index
    )
    assert all(states[task].accepted is not None and "predicted IoU" in states[task].note for task in wanted)


def test_nothing_can_be_doubted_before_a_network(finished, capsys):
    assert main(["doubts", str(finished / "begun")]) == EXIT_BAD_INPUT
    assert "no network is trained" in capsys.readouterr().err

"""What `raymeta status` says of a run that waits, as answers come in and nothing works on it."""

import json

import numpy as np
import pytest
from asked_run import asked_run

from raymeta.cli import main
from raymeta.cli.task_options import open_labels
from raymeta.labels.annotator_list import Person
from raymeta.labels.answer_files import AnswerRecord, encode_labels, labels_sha256, now
from raymeta.labels.task_dispatcher import TaskDispatcher
from raymeta.labels.waiting import ALL_ANSWERED, are_enough, status_now, wanted_text

ANN = Person("ann", frozenset({"annotate"}))
STORED = "waiting for people: as it was said when the wait began\nhand them out: …"


@pytest.fixture
def store(tmp_path):
    """Three boxes and two whole images are asked for."""
    store = asked_run(tmp_path, [("im1", 0, 0), ("im1", 16, 0), ("im2", 8, 8)], images=2)
    store.write_waiting(STORED)
    return store


def answer_next(store, count=1):
    _, labels = open_labels(store.location)
    dispatcher = TaskDispatcher(labels, store.files)
    for state in dispatcher.lease(ANN, count).states:
        values = np.zeros((state.task.height, state.task.width), np.uint8)
        record = {"labels_sha256": labels_sha256(values), "png": encode_labels(values)}
        dispatcher.answer(ANN, AnswerRecord(id=state.task.id, task_id=state.task.id, time=now(), who="ann", **record))


def test_status_counts_the_answers_of_now(store, capsys):
    lines = status_now(store.location).waits_for.splitlines()
    assert [line.split(" ")[3:8] for line in lines[:2]] == [
        ["2", "of", "2", "images", "of"],
        ["3", "of", "3", "boxes", "of"],
    ]
    assert lines[2] == "hand them out: …"
    answer_next(store, 3)
    assert main(["status", store.location, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    left = told["waits_for"].splitlines()
    assert len(left) == 2  # both images are answered
    assert "2 of 3 boxes of set query-000" in left[0]
    assert told["state"] == "waits for people"


def test_a_run_of_which_all_is_answered_waits_for_a_command(store):
    answer_next(store, 5)
    found = status_now(store.location)
    assert (found.waits_for, found.state) == (ALL_ANSWERED, "waits for people")


def test_a_reopened_answer_holds_nothing_up(store):
    answer_next(store, 5)
    _, labels = open_labels(store.location)
    TaskDispatcher(labels, store.files).reopen(Person("lead", frozenset({"review"})), "q000-000001", "look again")
    assert {state.name for state in labels.states("query-000")} == {"accepted", "proposed"}
    assert status_now(store.location).waits_for == ALL_ANSWERED


def test_of_the_last_query_it_is_told_when_its_answers_count(store):
    _, labels = open_labels(store.location)
    states, config = labels.states("query-000"), store.load_config()
    assert "iterations=" not in wanted_text("query-000", states, config.model_copy(update={"iterations": 2}))
    assert "iterations=2" in wanted_text("query-000", states, config.model_copy(update={"iterations": 1}))


def test_a_damaged_answer_leaves_the_text_of_the_run(store, tmp_path):
    answer_next(store)
    (path,) = (tmp_path / "run/labels").rglob("answers/**/*.*")
    path.write_bytes(b"PAR1")
    assert status_now(store.location).waits_for == STORED


@pytest.mark.parametrize(("share", "enough"), [(1.0, [False, False, True]), (0.5, [False, True, True])])
def test_how_many_answers_are_enough(store, share, enough):
    _, labels = open_labels(store.location)
    answer_next(store, 2)  # the images
    found = []
    for _ in range(3):
        answer_next(store)
        found.append(are_enough(labels.states("query-000"), share))
    assert found == enough

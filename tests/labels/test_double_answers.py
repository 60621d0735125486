"""Tasks that two people answer: who gets them, what counts, what is told."""

from dataclasses import replace

import numpy as np
import pytest
from asked_run import asked_run
from simulated_person import config_text, draw, write_images

from raymeta.cli import main
from raymeta.cli.task_options import open_labels
from raymeta.errors import EXIT_WAITING
from raymeta.labels.annotator_list import Person
from raymeta.labels.answer_files import AnswerRecord, encode_labels, labels_sha256
from raymeta.labels.double_answers import double_answers
from raymeta.labels.ledger import hours_left, ledger
from raymeta.labels.task_dispatcher import TaskDispatcher
from raymeta.labels.task_events import TaskEvent
from raymeta.labels.task_sets import Task, doubled
from raymeta.labels.task_states import SECOND_ASKED, Rules, fold

TASK = Task("q000-000001", "query-000", "a", 0, 0, 8, 8, 1, double=True)
ANN, BEN = (Person(name, frozenset({"annotate"})) for name in ("ann", "ben"))


def answer(time, who, split=4, value=1, task_id=TASK.id, **more):
    """8×8 px: class 0 up to column `split`, then another."""
    labels = np.zeros((8, 8), np.uint8)
    labels[:, split:] = value
    return AnswerRecord(
        id=f"{who}{split}{value}",
        task_id=task_id,
        time=f"2026-01-01T00:00:0{time}.000000Z",
        who=who,
        labels_sha256=labels_sha256(labels),
        png=encode_labels(labels),
        **more,
    )


def event(time, action, **more):
    return TaskEvent(time=f"2026-01-01T00:00:0{time}.000000Z", action=action, tasks=[TASK.id], **more)


def state(*steps, rules=Rules()):  # noqa: B008
    answers = [step for step in steps if isinstance(step, AnswerRecord)]
    return fold(TASK, answers, [step for step in steps if isinstance(step, TaskEvent)], rules)


@pytest.mark.parametrize(
    ("steps", "name", "accepted"),
    [
        ([answer(1, "ann")], "proposed", None),
        ([answer(1, "ann"), answer(2, "ann", 5)], "proposed", None),  # a correction is no second person
        ([answer(1, "ann"), answer(2, "ben")], "accepted", "ann41"),
        ([answer(1, "ann"), answer(2, "ben", 5)], "accepted", "ann41"),  # the outline is a pixel beside
        ([answer(1, "ann"), answer(2, "ben", 5), answer(3, "ann", 6)], "accepted", "ann61"),  # her last word
        ([answer(1, "ann"), answer(2, "ben", 8)], "conflict", None),  # ben lacks the object
        ([answer(1, "ann"), answer(2, "ben", value=2)], "conflict", None),
        ([answer(1, "ann", undecidable=True), answer(2, "ben")], "conflict", None),
        ([answer(1, "ann", undecidable=True), answer(2, "ben", undecidable=True)], "void", "ann41"),
        ([answer(1, "ann"), answer(2, "ben", 8), event(3, "accept", answer="ben81")], "accepted", "ben81"),
        ([answer(1, "ann"), event(2, "accept", answer="ann41")], "accepted", "ann41"),  # a reviewer is a second person
        ([answer(1, "ann"), event(2, "close")], "accepted", "ann41"),  # paid, and sound
        ([answer(1, "ann", uncovered=9), event(2, "close")], "withdrawn", None),
        ([event(1, "close")], "withdrawn", None),
        ([answer(1, "ann"), event(2, "return")], "proposed", None),
        ([answer(1, "ann", uncovered=9)], "annotated", None),
    ],
)
def test_states(steps, name, accepted):
    found = state(*steps)
    assert (found.name, found.accepted and found.accepted.id) == (name, accepted)


def test_a_single_answer_waits_for_somebody_else():
    found = state(answer(1, "ann"))
    assert found.waits_for_second
    assert found.note == SECOND_ASKED
    assert not state(answer(1, "ann"), answer(2, "ben")).waits_for_second
    assert not fold(replace(TASK, double=False), [answer(1, "ann")], [], Rules()).waits_for_second


def test_a_review_comes_after_the_second_answer():
    rules = Rules(review="always")
    assert state(answer(1, "ann"), rules=rules).waits_for_second
    assert state(answer(1, "ann"), answer(2, "ben"), rules=rules).name == "annotated"


def test_thresholds_are_the_runs():
    apart = [answer(1, "ann"), answer(2, "ben", 7)]
    assert state(*apart).name == "conflict"  # 8 of 64 px have their class three columns away
    assert state(*apart, rules=Rules(agree_within=3)).name == "accepted"
    assert state(*apart, rules=Rules(agree_at=0.5)).name == "accepted"


def test_which_tasks_follows_from_their_ids():
    ids = [f"q000-{rank:06d}" for rank in range(1, 201)]
    found = doubled(ids, 0.1)
    assert len(found) == 20
    assert doubled(ids[::-1], 0.1) == found < doubled(ids, 0.2)
    assert len(doubled(ids, 0.0001)) == 1
    assert doubled(ids, 0) == doubled([], 0.5) == frozenset()
    assert doubled(ids, 1) == set(ids)


@pytest.fixture
def store(tmp_path):
    return asked_run(tmp_path, [("im1", 0, 0), ("im1", 16, 0), ("im2", 8, 8)], double_share=0.3)


def kept(dispatcher, person, task_id, split=4):
    record = answer(1, person.name, split, task_id=task_id, seconds=6.0, seconds_source="page_active")
    return dispatcher.answer(person, record.model_copy(update={"id": f"{person.name}{split}{task_id}"}))


def test_two_people_answer_independently(store, capsys):
    _, labels = open_labels(store.location)
    dispatcher = TaskDispatcher(labels, store.files)
    (double,) = [each.id for each in labels.sets.tasks("query-000") if each.double]

    def spent(task_id):
        rows = [row for row in ledger(store, labels).to_pylist() if row["task_id"] == task_id]
        return [(row["who"], row["seconds"], row["second"], row["state"]) for row in rows]

    assert spent(double) == [(None, None, False, "proposed")]
    for leased in dispatcher.lease(ANN, 10).states:
        kept(dispatcher, ANN, leased.task.id)
    assert spent(double) == [("ann", 6.0, False, "proposed")]  # hers alone so far: she is no second person
    empty = dispatcher.lease(ANN, 10)
    assert empty.states == []
    assert "1 that you have answered waits for a second person" in empty.reason
    assert double_answers(dispatcher.states()["query-000"], labels.rules).answered == 0
    assert [each.task.id for each in dispatcher.lease(BEN, 10).states] == [double]
    done = kept(dispatcher, BEN, double, split=5)
    assert (done.state.name, done.state.accepted.who) == ("accepted", "ann")
    assert (done.agreement.equal, done.agreement.within) == (7 / 8, 1.0)

    found = double_answers(dispatcher.states()["query-000"], labels.rules)
    assert (found.asked, found.answered, found.agree, found.equal, found.within) == (1, 1, 1, 7 / 8, 1.0)
    table = ledger(store, labels)
    assert spent(double) == [("ann", 6.0, False, "accepted"), ("ben", 6.0, True, "accepted")]
    assert sum(table["seconds"].to_pylist()) == 4 * 6.0
    assert hours_left(table, 1, 3).open_boxes == 0
    assert main(["tasks", "list", store.location]) == 0
    assert "1 have two answers, 1 agree (100.0 % of all pixels up to 2 px" in capsys.readouterr().out
    assert main(["tasks", "log", store.location, "--task", double]) == 0
    assert "ben: agrees with ann4q000 by ann, 100.0 %" in capsys.readouterr().out


def test_how_far_two_people_agree_is_told_of_the_pixels_of_all_tasks_together():
    """64 px that are equal, 64 px that are not, 64 px that only one of both could tell; by hand."""
    equal, differ, undecidable = (
        state(answer(1, "ann", value=first), answer(2, "ben", value=second, **more))
        for first, second, more in ((1, 1, {}), (1, 2, {}), (1, 1, {"undecidable": True}))
    )
    void = np.full((8, 8), 255, np.uint8)
    unlike = {"labels_sha256": labels_sha256(void), "png": encode_labels(void)}
    undecidable.answers[1] = undecidable.answers[1].model_copy(update=unlike)
    found = double_answers([equal, differ, undecidable], Rules())
    assert (found.answered, found.agree) == (3, 1)
    assert found.equal == 96 / 128  # 64 + 32 of the pixels that have a class in both
    assert found.miou == pytest.approx((64 / 64 + 32 / 64 + 0) / 3)  # classes 0, 1 and 2
    near = 64 + 32  # up to column 3 both say 0; class 2 is near no class 1, and void is nobody's class
    assert found.within == pytest.approx(near / 192)


def test_accepting_a_set_names_the_conflicts_that_it_leaves(store, capsys):
    _, labels = open_labels(store.location)
    dispatcher = TaskDispatcher(labels, store.files)
    (double,) = [each.id for each in labels.sets.tasks("query-000") if each.double]
    for person, split in ((ANN, 4), (BEN, 8)):
        dispatcher.lease(person, 10)
        kept(dispatcher, person, double, split)
    assert main(["tasks", "accept", store.location, "--set", "query-000"]) == 0
    told = capsys.readouterr().out
    assert "accept: 0 tasks" in told
    assert f"1 with answers that differ is left ({double}" in told


def test_of_answers_that_differ_the_first_is_the_tasks_own(store):
    _, labels = open_labels(store.location)
    dispatcher = TaskDispatcher(labels, store.files)
    (double,) = [each.id for each in labels.sets.tasks("query-000") if each.double]
    for person, split in ((ANN, 4), (BEN, 8)):
        dispatcher.lease(person, 10)
        kept(dispatcher, person, double, split)
    rows = [row for row in ledger(store, labels).to_pylist() if row["task_id"] == double]
    assert [(row["who"], row["second"], row["state"]) for row in rows] == [
        ("ann", False, "conflict"),
        ("ben", True, "conflict"),
    ]


def test_who_is_second_begins_from_nothing(store):
    from raymeta.service.settings import ServiceSettings
    from raymeta.service.tasks.task_service import TaskService

    service = TaskService(ServiceSettings(run=store.location, threads=1))
    (double,) = [each.id for each in service.dispatcher.labels.sets.tasks("query-000") if each.double]
    kept(service.dispatcher, ANN, double)
    assert service.detail(BEN, double, 8).start.from_ == "nothing"
    assert service.answers(BEN, double, None).answers == []
    assert service.detail(ANN, double, 8).start.from_ == "answer"  # her own, to correct it


@pytest.mark.long
def test_a_run_waits_for_the_second_person_and_the_report_tells_how_far_both_agree(tmp_path, capsys):
    """The same files, brought back by two people: nothing goes on before both have come."""
    write_images(tmp_path / "data", labelled=False)
    text = config_text(tmp_path / "data", tmp_path / "run", "{kind: people, double_share: 0.2}")
    (tmp_path / "config.yaml").write_text(text.replace("iterations: 2", "iterations: 1"))
    command = ["run", str(tmp_path / "config.yaml"), "--local"]
    for turn in range(2):
        assert main(command) == EXIT_WAITING
        out, drawn = tmp_path / f"out{turn}", tmp_path / f"drawn{turn}"
        assert main(["tasks", str(tmp_path / "run"), "export", "--format", "labelme", "--out", str(out)]) == 0
        draw(out, "labelme", drawn)
        back = ["tasks", str(tmp_path / "run"), "import", str(drawn), "--who"]
        assert main([*back, "ann"]) == 0
        assert "wait for a second person's answer" in capsys.readouterr().out
        assert main(command) == EXIT_WAITING
        assert "by a second person" in capsys.readouterr().err
        assert main([*back, "ben"]) == 0
    assert main(command) == 0
    assert main(["report", str(tmp_path / "run"), "--out", str(tmp_path / "report")]) == 0
    page = (tmp_path / "report/report.html").read_text()
    assert "Two people answered 4 of these tasks independently: 4 times they agree" in page
    assert "100.0 % of their pixels are equal" in page

"""The state of a task, by hand: what was answered and decided, in the order of time."""

from dataclasses import replace

import numpy as np
import pytest

from raymeta.labels.answer_files import AnswerFiles, AnswerRecord, encode_labels, labels_sha256, void_answer
from raymeta.labels.task_events import TaskEvent, TaskEvents
from raymeta.labels.task_sets import Task
from raymeta.labels.task_states import Rules, fold
from raymeta.runs.store_files import RunError, StoreFiles

TASK = Task("q000-000001", "query-000", "a", 0, 0, 4, 5, 1)


def answer(time, value, who="ann", uncovered=0, name=None):
    labels = np.full((4, 5), value, np.uint8)
    return AnswerRecord(
        id=name or f"{who}{value}",
        task_id=TASK.id,
        time=f"2026-01-01T00:00:0{time}.000000Z",
        who=who,
        labels_sha256=labels_sha256(labels),
        png=encode_labels(labels),
        uncovered=uncovered,
    )


def event(time, action, who=None, **more):
    return TaskEvent(time=f"2026-01-01T00:00:0{time}.000000Z", action=action, tasks=[TASK.id], who=who, **more)


def state(*steps, rules=Rules(), task=TASK):  # noqa: B008
    answers = [step for step in steps if isinstance(step, AnswerRecord)]
    events = [step for step in steps if isinstance(step, TaskEvent)]
    found = fold(task, answers[::-1], events[::-1], rules)
    return found.name, None if found.accepted is None else found.accepted.id


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], ("proposed", None)),
        ([event(1, "hand_out")], ("handed_out", None)),
        ([event(1, "hand_out"), event(2, "recall")], ("proposed", None)),
        ([event(1, "hand_out"), answer(2, 0)], ("accepted", "ann0")),
        ([answer(1, 0), answer(2, 1)], ("accepted", "ann1")),  # ann corrects herself
        ([answer(1, 0), answer(2, 0, "ben")], ("accepted", "ann0")),  # they agree
        ([answer(1, 0), answer(2, 1, "ben")], ("conflict", "ann0")),
        ([answer(1, 0), answer(2, 1, "ben"), event(3, "accept", answer="ben1")], ("accepted", "ben1")),
        ([answer(1, 0), answer(2, 1, "ben"), answer(3, 1)], ("accepted", "ann1")),  # ann comes round
        ([answer(1, 0, uncovered=1)], ("annotated", None)),
        ([answer(1, 0, uncovered=1), event(2, "accept", answer="ann0")], ("accepted", "ann0")),
        ([answer(1, 0), event(2, "return", reason="sloppy")], ("proposed", None)),
        ([answer(1, 0), event(2, "return"), answer(3, 1, "ben")], ("accepted", "ben1")),
        ([answer(1, 0), event(2, "reopen")], ("proposed", "ann0")),  # what there is stays valid
        ([answer(1, 0), event(2, "reopen"), answer(3, 1, "ben")], ("accepted", "ben1")),
        ([event(1, "close")], ("withdrawn", None)),
        ([answer(1, 0), event(2, "close")], ("accepted", "ann0")),
        ([event(1, "close"), answer(2, 0)], ("accepted", "ann0")),  # late, and kept
        ([event(1, "skip", "ann")], ("proposed", None)),
        ([event(1, "skip", "ann"), event(2, "skip", "ann")], ("proposed", None)),
        ([event(1, "skip", "ann"), event(2, "skip", "ben")], ("needs_review", None)),
        ([event(1, "skip", "ann"), event(2, "skip", "ben"), answer(3, 0)], ("accepted", "ann0")),
    ],
)
def test_states(steps, expected):
    assert state(*steps) == expected


def test_a_reopened_task_is_not_waited_for_and_one_that_was_decided_is_in_nobodys_hands():
    reopened = fold(TASK, [answer(1, 0)], [event(2, "reopen")], Rules())
    assert (reopened.name, reopened.counts, reopened.is_settled) == ("proposed", True, True)
    returned = fold(TASK, [answer(1, 0)], [event(2, "return")], Rules())
    assert (returned.name, returned.counts, returned.is_settled) == ("proposed", False, False)
    differ = fold(TASK, [answer(1, 0), answer(2, 1, "ben")], [], Rules())
    assert (differ.name, differ.counts, differ.is_settled) == ("conflict", False, False)
    held = event(1, "hand_out", "ben", until="2026-01-01T00:10:00.000000Z")
    at = "2026-01-01T00:00:05.000000Z"
    assert fold(TASK, [answer(2, 0)], [held], Rules(), at).lease is not None
    assert fold(TASK, [answer(2, 0)], [held, event(3, "accept", answer="ann0")], Rules(), at).lease is None


def test_with_a_review_no_answer_counts_before_somebody_accepts_it():
    rules = Rules(review="always")
    assert state(answer(1, 0), rules=rules) == ("annotated", None)
    assert state(answer(1, 0), event(2, "accept", answer="ann0"), rules=rules) == ("accepted", "ann0")


@pytest.mark.parametrize(("review", "name"), [("none", "accepted"), ("always", "annotated")])
def test_a_task_that_is_closed_before_a_second_answer_is_reviewed_as_others_are(review, name):
    found, accepted = state(answer(1, 0), event(2, "close"), rules=Rules(review), task=replace(TASK, double=True))
    assert found == name
    assert accepted == ("ann0" if name == "accepted" else None)


def test_a_share_of_the_region_may_have_no_class():
    assert state(answer(1, 0, uncovered=2), rules=Rules(max_uncovered=0.1)) == ("accepted", "ann0")
    assert state(answer(1, 0, uncovered=3), rules=Rules(max_uncovered=0.1)) == ("annotated", None)


def test_void_is_an_answer_of_its_own():
    void = void_answer(TASK, "ann")
    found = fold(TASK, [void], [], Rules())
    assert (found.name, found.accepted) == ("void", void)
    assert (void.labels() == 255).all()
    assert void_answer(TASK, "ann").id == void.id != void_answer(TASK, "ben").id


def test_answers_are_kept_once_and_damage_is_told(tmp_path):
    files = StoreFiles(str(tmp_path))
    answers = AnswerFiles(files)
    first = answer(1, 0)
    assert answers.add(TASK, first)
    assert not answers.add(TASK, first.model_copy(update={"time": "2027"}))
    assert answers.of_set("query-000") == {TASK.id: [first]}
    path = next(tmp_path.glob("labels/answers/query-000/*.json"))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(RunError, match="damaged"):
        AnswerFiles(files).of_set("query-000")


def test_events_come_back_by_time_whoever_wrote_them(tmp_path):
    one, other = TaskEvents(StoreFiles(str(tmp_path))), TaskEvents(StoreFiles(str(tmp_path)))
    late, early = event(2, "close"), event(1, "hand_out")
    one.add(late)
    other.add(early)
    assert one.all() == other.all() == [early, late]

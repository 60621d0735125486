"""Who gets which task, and what becomes of answers: by a clock that the test turns."""

import itertools
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from asked_run import asked_run

from raymeta.labels.annotator import TaskSet
from raymeta.labels.annotator_list import LOCAL_PERSON, Person
from raymeta.labels.answer_files import AnswerRecord, encode_labels, labels_sha256
from raymeta.labels.label_store import LabelStore
from raymeta.labels.task_dispatcher import TaskDispatcher, TaskRefusedError
from raymeta.labels.task_events import TaskEvent
from raymeta.labels.task_states import Rules
from raymeta.schemas import QUERY_SCHEMA

ANN, BEN = (Person(name, frozenset({"annotate"})) for name in ("ann", "ben"))
EVE = Person("eve", frozenset({"annotate", "review"}))
IMAGES = ("b", "a", "b", "c", "a", "c")
"""Images of the boxes of the query, by rank."""


class Clock:
    """A time that stands still until it is moved."""

    def __init__(self):
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self):
        self.time += timedelta(microseconds=1)  # no two events at once
        return self.time

    def forward(self, seconds):
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path):
    return asked_run(tmp_path, [(image, 8 * (place % 6), 0) for place, image in enumerate(IMAGES)])


@pytest.fixture
def dispatcher(store, clock):
    return start(store, clock)


def start(store, clock, rules=None):
    return TaskDispatcher(LabelStore(store, rules), store.files, clock=clock)


def ranks(leased):
    return [state.task.rank for state in leased.states]


def task(rank):
    return f"q000-{rank:06d}"


_numbers = itertools.count()


def answer(rank, value=0, name=None, uncovered=0):
    labels = np.full((8, 8), value, np.uint8)
    return AnswerRecord(
        id=name or f"{next(_numbers):032x}",
        task_id=task(rank),
        time="",
        labels_sha256=labels_sha256(labels),
        png=encode_labels(labels),
        uncovered=uncovered,
    )


def test_boxes_of_one_image_go_to_one_person_the_best_image_first(dispatcher):
    assert ranks(dispatcher.lease(ANN, 3)) == [1, 3, 2]
    assert ranks(dispatcher.lease(BEN, 10)) == [4, 6]  # image a is in ann's hands
    left = dispatcher.lease(BEN, 3)
    assert (ranks(left), left.open) == ([4, 6], 4)
    assert "other people's hands" in left.reason


def test_count_is_what_is_held_in_all_so_that_a_repeated_call_changes_nothing(dispatcher, store):
    first = dispatcher.lease(ANN, 2)
    events = store.files.files("labels/events")
    assert ranks(dispatcher.lease(ANN, 2)) == ranks(first)
    assert store.files.files("labels/events") == events
    dispatcher.answer(ANN, answer(1))
    assert ranks(dispatcher.lease(ANN, 2)) == [3, 2]


def test_a_query_that_was_just_handed_out_is_leased_at_once(dispatcher, store):
    for person in (ANN, BEN):
        dispatcher.lease(person, 10)
    assert dispatcher.lease(EVE, 1).states == []
    row = dict.fromkeys(QUERY_SCHEMA.names) | {"image_id": "d", "top": 8, "left": 8, "width": 8, "rank": 1}
    boxes = pa.Table.from_pylist([row], schema=QUERY_SCHEMA)
    LabelStore(store).sets.seal(TaskSet.of_query(1, boxes), {})
    assert [state.task.id for state in dispatcher.lease(EVE, 1).states] == ["q001-000001"]


def test_a_lease_ends_by_itself_and_goes_on_after_a_restart(dispatcher, store, clock):
    dispatcher.lease(ANN, 2)
    clock.forward(1700)
    assert ranks(start(store, clock).lease(ANN, 1)) == [1, 3]
    clock.forward(101)
    again = start(store, clock)
    assert ranks(again.lease(BEN, 2)) == [1, 3]
    kept, lost = again.renew(ANN, [task(1), task(3), "q009-000001"])
    assert [*kept] == []
    assert "your lease ended 1 s ago and ben has it now" in lost[task(1)]
    assert lost.keys() == {task(1), task(3), "q009-000001"}
    again.answer(BEN, answer(1))
    assert again.renew(ANN, [task(1)])[1][task(1)].endswith(
        "ben answered it: an answer of yours is kept for comparison"
    )


def test_who_has_answered_a_task_is_told_so(dispatcher):
    dispatcher.lease(ANN, 1)
    dispatcher.answer(ANN, answer(1))
    _, lost = dispatcher.renew(ANN, [task(1)])
    assert (
        lost[task(1)] == f"{task(1)}: you have answered it already: another answer of yours takes the place of that one"
    )


def test_a_renewed_lease_goes_on_and_writes_seldom(dispatcher, store, clock):
    dispatcher.lease(ANN, 3)
    for _ in range(60):
        clock.forward(60)
        kept, lost = dispatcher.renew(ANN, [task(1), task(2), task(3)])
        assert lost == {}
    assert len(kept) == 3
    assert len(store.files.files("labels/events")) <= 8  # an hour of renewals
    assert ranks(dispatcher.lease(BEN, 1)) == [4]


def test_who_comes_back_late_holds_what_nobody_took(dispatcher, clock):
    dispatcher.lease(ANN, 1)
    clock.forward(4000)
    kept, lost = dispatcher.renew(ANN, [task(1)])
    assert (len(kept), lost) == (1, {})


def test_release_is_for_the_holder_and_for_admins(dispatcher):
    dispatcher.lease(ANN, 1)
    with pytest.raises(TaskRefusedError, match="ann holds it") as refused:
        dispatcher.release(BEN, task(1))
    assert refused.value.reason == "forbidden"
    assert dispatcher.release(LOCAL_PERSON, task(1)).name == "proposed"
    assert ranks(dispatcher.lease(BEN, 1)) == [1]


def test_one_task_may_be_held_to_correct_it(dispatcher):
    dispatcher.answer(ANN, answer(4))
    assert ranks(dispatcher.lease_one(ANN, task(4))) == [4]
    with pytest.raises(TaskRefusedError, match="ann holds it until"):
        dispatcher.lease_one(BEN, task(4))
    kept = dispatcher.answer(ANN, answer(4, 1))
    assert (kept.state.name, kept.state.accepted.id) == ("accepted", kept.answer.id)
    assert dispatcher.lease_of(kept.state) is None


def test_the_same_answer_twice_counts_once(dispatcher, store):
    record = answer(1)
    assert dispatcher.answer(ANN, record).new
    again = dispatcher.answer(ANN, record)
    assert not again.new
    assert len(again.state.answers) == 1
    for other in (answer(1, 2, name=record.id), answer(1, name=record.id, uncovered=1)):
        with pytest.raises(TaskRefusedError, match="something else") as refused:
            dispatcher.answer(ANN, other)
        assert refused.value.reason == "moved"
    with pytest.raises(TaskRefusedError):
        dispatcher.answer(BEN, record)


def test_a_late_answer_is_kept_for_comparison(dispatcher, clock):
    dispatcher.lease(ANN, 1)
    clock.forward(1800)
    assert ranks(dispatcher.lease(BEN, 1)) == [1]
    dispatcher.answer(BEN, answer(1, 0))
    clock.forward(720)
    late = dispatcher.answer(ANN, answer(1, 1))
    assert late.new
    assert late.state.name == "conflict"
    assert late.agreement.equal == 0
    assert late.message.startswith("q000-000001: your lease ended 12 min ago and ben answered it: your answer is kept")
    assert len(late.state.answers) == 2


def test_a_late_answer_that_nobody_else_gave_counts(dispatcher, clock):
    dispatcher.lease(ANN, 1)
    clock.forward(3000)
    kept = dispatcher.answer(ANN, answer(1))
    assert (kept.state.name, kept.message) == ("accepted", None)


def test_equal_answers_of_two_people_are_no_conflict(dispatcher):
    dispatcher.answer(ANN, answer(1, 2))
    kept = dispatcher.answer(BEN, answer(1, 2))
    assert (kept.state.name, kept.agreement.equal, kept.state.accepted.who) == ("accepted", 1, "ann")


def test_unfinished_answers_say_so(dispatcher):
    kept = dispatcher.answer(ANN, answer(1, 0, uncovered=32))
    assert kept.state.name == "annotated"
    assert "32 of 64 px have no class (50 %)" in kept.message


def test_skipped_tasks_go_to_others_then_to_a_reviewer(dispatcher):
    dispatcher.lease(ANN, 1)
    assert dispatcher.skip(ANN, task(1), "too dark").name == "proposed"
    assert dispatcher.skip(ANN, task(1), "too dark").skips == {"ann"}
    assert 1 not in ranks(dispatcher.lease(ANN, 10))
    for rank in (2, 3, 4, 5, 6):
        dispatcher.answer(ANN, answer(rank))
    assert "wait for a reviewer" in dispatcher.lease(ANN, 1).reason
    assert ranks(dispatcher.lease(BEN, 1)) == [1]
    assert dispatcher.skip(BEN, task(1), None).name == "needs_review"
    assert ranks(dispatcher.lease(BEN, 1)) == []
    assert ranks(dispatcher.lease(EVE, 1)) == [1]
    assert dispatcher.answer(EVE, answer(1)).state.name == "accepted"


def test_who_is_alone_gets_skipped_tasks_last(dispatcher):
    dispatcher.skip(LOCAL_PERSON, task(1), None)
    assert ranks(dispatcher.lease(LOCAL_PERSON, 10)) == [3, 2, 5, 4, 6, 1]


def test_what_a_tool_has_is_left_to_it(dispatcher, store):
    dispatcher.labels.events.add(TaskEvent(action="hand_out", tasks=[task(1), task(3)], reason="labelme: out"))
    again = start(store, dispatcher._clock)
    leased = again.lease(ANN, 10)
    assert sorted(ranks(leased)) == [2, 4, 5, 6]
    assert "2 were handed out to a tool" in leased.reason


def test_a_reviewer_decides_with_open_eyes(dispatcher):
    first = dispatcher.answer(ANN, answer(1, 0)).answer
    second = dispatcher.answer(BEN, answer(1, 1)).answer
    with pytest.raises(TaskRefusedError, match="was answered again at 00:00 UTC by ben: look again") as refused:
        dispatcher.accept(EVE, task(1), first.id, [first.id], None)
    assert refused.value.reason == "moved"
    state = dispatcher.accept(EVE, task(1), first.id, [first.id, second.id], "the kerb")
    assert (state.name, state.accepted.id) == ("accepted", first.id)
    with pytest.raises(TaskRefusedError, match="no answer"):
        dispatcher.accept(EVE, task(1), "f" * 32, [], None)


def test_review_needs_a_second_person(store, clock):
    dispatcher = start(store, clock, Rules(review="always"))
    own = dispatcher.answer(EVE, answer(1))
    assert own.state.name == "annotated"
    with pytest.raises(TaskRefusedError, match="your own") as refused:
        dispatcher.accept(EVE, task(1), own.answer.id, [], None)
    assert refused.value.reason == "forbidden"
    assert dispatcher.accept(Person("ada", frozenset({"review"})), task(1), own.answer.id, [], None).name == "accepted"


def test_returned_and_reopened_tasks_are_asked_again(dispatcher):
    with pytest.raises(TaskRefusedError, match="nothing was answered"):
        dispatcher.return_task(EVE, task(1), "why")
    kept = dispatcher.answer(ANN, answer(1))
    reopened = dispatcher.reopen(EVE, task(1), None)
    assert (reopened.name, reopened.accepted.id) == ("proposed", kept.answer.id)
    assert dispatcher.reopen(EVE, task(1), None).name == "proposed"
    returned = dispatcher.return_task(EVE, task(1), "the kerb")
    assert (returned.name, returned.accepted, returned.note) == ("proposed", None, "the kerb")
    assert ranks(dispatcher.lease(BEN, 1)) == [1]


def test_unknown_tasks_and_sets_are_named(dispatcher):
    for call in (
        lambda: dispatcher.find("../run.json"),
        lambda: dispatcher.lease(ANN, 1, "query-009"),
        lambda: dispatcher.answer(ANN, answer(99)),
        lambda: dispatcher.lease_one(ANN, "x"),
    ):
        with pytest.raises(TaskRefusedError) as refused:
            call()
        assert refused.value.reason == "unknown"

"""Tasks that two people answered independently, and how far they agree: what labels of people can be good for."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from raymeta.labels.agreement import ClassOverlap, has_class, share_within
from raymeta.labels.answer_files import AnswerRecord
from raymeta.labels.task_states import Rules, TaskState


@dataclass(frozen=True)
class DoubleAnswers:
    """How far two people agree.

    asked: tasks that two people shall answer. answered: that two have. agree: of these, up to the place of outlines.
    equal, miou, within: as in `Agreement`, over the pixels of all answered ones together; None where nothing can be
    compared.
    """

    asked: int
    answered: int
    agree: int
    equal: float | None
    miou: float | None
    within: float | None


def double_answers(states: Iterable[TaskState], rules: Rules) -> DoubleAnswers:
    """Compare what the first two people said about each task that two shall answer.

    Args:
        states: of any tasks.
        rules: from when on two answers agree.
    """
    asked, answered, agree, counted, near = 0, 0, 0, 0, 0.0
    overlap = ClassOverlap.of(*np.zeros((2, 0), np.uint8))
    for state in states:
        asked += state.task.double
        pair = first_pair(state)
        if pair is None:
            continue
        answered += 1
        agree += rules.agree(*pair)
        one, other = pair[0].labels(), pair[1].labels()
        overlap += ClassOverlap.of(one, other)
        pixels = int(np.count_nonzero(has_class(one, other)))
        counted += pixels
        near += pixels * (share_within(one, other, rules.agree_within) or 0.0)
    _, equal, miou = overlap.shares()
    return DoubleAnswers(asked, answered, agree, equal, miou, near / counted if counted else None)


def first_pair(state: TaskState) -> tuple[AnswerRecord, AnswerRecord] | None:
    """The last answers of the first two people to a task that two shall answer; None before there are two."""
    if not state.task.double:
        return None
    last = {answer.who: answer for answer in state.answers}  # in the order in which people came in
    first, second, *_ = [*last.values(), None, None]
    return None if first is None or second is None else (first, second)

"""Tasks that two people answered independently, and how far they agree: what labels of people can be good for."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from raymeta.labels.agreement import Agreement, agreement
from raymeta.labels.answer_files import AnswerRecord
from raymeta.labels.task_states import Rules, TaskState


@dataclass(frozen=True)
class DoubleAnswers:
    """How far two people agree.

    asked: tasks that two people shall answer. answered: that two have. agree: of these, up to the place of outlines.
    equal, miou, within: means over the answered ones of what `Agreement` holds; None where nothing can be compared.
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
    asked, agree = 0, 0
    found: list[Agreement] = []
    for state in states:
        asked += state.task.double
        pair = first_pair(state)
        if pair is not None:
            found.append(agreement(*pair, rules.agree_within))
            agree += rules.agree(*pair)
    means = {name: _mean([getattr(each, name) for each in found]) for name in ("equal", "miou", "within")}
    return DoubleAnswers(asked, len(found), agree, **means)


def first_pair(state: TaskState) -> tuple[AnswerRecord, AnswerRecord] | None:
    """The last answers of the first two people to a task that two shall answer; None before there are two."""
    if not state.task.double:
        return None
    last = {answer.who: answer for answer in state.answers}  # in the order in which people came in
    first, second, *_ = [*last.values(), None, None]
    return None if first is None or second is None else (first, second)


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None

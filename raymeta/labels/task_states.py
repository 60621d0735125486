"""The state of each task, folded from its answers and what was decided about it; nothing of it is stored."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from itertools import combinations
from typing import Final, Literal

from raymeta.config import OracleConfig
from raymeta.labels.agreement import share_within
from raymeta.labels.answer_files import AnswerRecord, now
from raymeta.labels.task_events import TaskEvent
from raymeta.labels.task_sets import Task

StateName = Literal["proposed", "handed_out", "annotated", "conflict", "accepted", "void", "withdrawn", "needs_review"]
DONE: Final = frozenset({"accepted", "void", "withdrawn"})
ANSWERED: Final = frozenset({"accepted", "void"})
OPEN: Final = frozenset({"proposed", "handed_out", "needs_review"})
MAX_SKIPS: Final = 2
"""As many people who pass a task on leave it to a reviewer."""
SECOND_ASKED: Final = "waits for a second person's answer"


@dataclass(frozen=True)
class Rules:
    """When an answer is accepted without a reviewer: of a known person or file, and complete enough.

    max_uncovered: share of the region that may have no class. agree_at, agree_within: two answers agree if
    `share_within` of so many pixels is so much at least.
    """

    review: Literal["none", "always"] = "none"
    max_uncovered: float = 0.02
    agree_at: float = 0.95
    agree_within: int = 2

    @classmethod
    def of(cls, oracle: OracleConfig) -> "Rules":
        """Those of a run."""
        return cls(**{each.name: getattr(oracle, each.name) for each in fields(cls)})

    def agree(self, first: AnswerRecord, second: AnswerRecord) -> bool:
        """Whether two answers to one task say the same, up to the place of their outlines."""
        if first.undecidable != second.undecidable:
            return False
        if first.labels_sha256 == second.labels_sha256:
            return True
        share = _share_within(_Labels(first), _Labels(second), self.agree_within)
        return share is None or share >= self.agree_at


class _Labels:
    """The labels of an answer, as a key: states are folded anew at each look, and answers never change."""

    def __init__(self, answer: AnswerRecord) -> None:
        self.answer = answer

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Labels) and self.answer.labels_sha256 == other.answer.labels_sha256

    def __hash__(self) -> int:
        return hash(self.answer.labels_sha256)


@lru_cache(maxsize=256)
def _share_within(first: _Labels, second: _Labels, tolerance: int) -> float | None:
    return share_within(first.answer.labels(), second.answer.labels(), tolerance)


@dataclass(frozen=True)
class Lease:
    """A task in the hands of one person, until a time as files hold it."""

    who: str | None
    until: str


@dataclass
class TaskState:
    """What became of one task.

    accepted: the answer that training reads; it stays valid while the task is open again. live: the answers that count,
    the last of each person, in the order in which they came in. note: why it is open, or what is to be decided. lease:
    the last one, which may have ended. untils: when the lease of each person ends, or ended, who neither answered nor
    gave the task back.
    """

    task: Task
    name: StateName = "proposed"
    accepted: AnswerRecord | None = None
    live: dict[str | None, AnswerRecord] = field(default_factory=dict)
    answers: list[AnswerRecord] = field(default_factory=list)
    skips: set[str | None] = field(default_factory=set)
    note: str = ""
    lease: Lease | None = None
    untils: dict[str | None, str] = field(default_factory=dict)

    @property
    def waits_for_second(self) -> bool:
        """Whether one person has answered, and nothing lacks but another one's answer."""
        return self.task.double and self.name in OPEN and len(self.live) == 1

    @property
    def counts(self) -> bool:
        """Whether there is an answer to go on with; that of a reopened task holds until somebody answers again."""
        return self.name in ANSWERED or (self.name in OPEN and self.accepted is not None)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is waited for."""
        return self.name in DONE or self.counts

    def is_partial(self, answer: AnswerRecord, rules: Rules) -> bool:
        """Whether more of an answer is without a class than may be."""
        return answer.uncovered > rules.max_uncovered * self.task.height * self.task.width


def fold(
    task: Task,
    answers: Sequence[AnswerRecord],
    events: Iterable[TaskEvent],
    rules: Rules,
    at: str | None = None,
) -> TaskState:
    """The state after everything that was answered and decided, in the order of time.

    Args:
        task: whose state.
        answers: of this task, in any order.
        events: of this task, in any order.
        rules: when an answer needs no reviewer.
        at: time by which leases that are over have ended; None is now.
    """
    state = TaskState(task, answers=sorted(answers, key=lambda answer: (answer.time, answer.id)))
    known = {answer.id: answer for answer in answers}
    steps: list[AnswerRecord | TaskEvent] = sorted([*answers, *events], key=lambda step: (step.time, step.id))
    for step in steps:
        _end_lease(state, step.time)
        if isinstance(step, AnswerRecord):
            state.live[step.who] = step  # who answers again corrects what he said before
            _give_back(state, step.who)
            _judge(state, rules)
        else:
            _decide(state, step, known, rules)
    _end_lease(state, at or now())
    return state


def lease_is_over(state: TaskState, time: str) -> bool:
    """Whether a state still says that a person has the task, though the lease has ended by a time."""
    return state.name == "handed_out" and state.lease is not None and state.lease.until <= time


def _end_lease(state: TaskState, time: str) -> None:
    """A task that was handed out to one person waits again once the lease is over."""
    if lease_is_over(state, time):
        state.name = "proposed"


def _judge(state: TaskState, rules: Rules) -> None:
    """What follows from the live answers alone."""
    answers = list(state.live.values())
    first = answers[0]
    if not all(rules.agree(one, other) for one, other in combinations(answers, 2)):
        state.name, state.note = "conflict", "answers differ"
        return
    if state.is_partial(first, rules):
        state.name, state.note = "annotated", f"{first.uncovered} px have no class"
        return
    if state.task.double and len(answers) < 2:
        state.name, state.note = "proposed", SECOND_ASKED
        return
    _accept_unless_reviewed(state, rules)


def _accept_unless_reviewed(state: TaskState, rules: Rules) -> None:
    """The first person's answer counts, where no reviewer looks at every answer."""
    if rules.review == "always":
        state.name, state.note = "annotated", "waits for a review"
    else:
        _accept(state, next(iter(state.live.values())))


def _accept(state: TaskState, answer: AnswerRecord) -> None:
    state.name, state.accepted, state.note = ("void" if answer.undecidable else "accepted"), answer, ""


def _decide(state: TaskState, event: TaskEvent, known: dict[str, AnswerRecord], rules: Rules) -> None:
    if event.action == "hand_out":
        _hand_out(state, event)
    elif event.action == "recall":
        state.lease = None
        state.untils.clear()
        if state.name == "handed_out":
            state.name, state.note = "proposed", event.reason or ""
    elif event.action == "accept" and event.answer in known:
        answer = known[event.answer]
        state.live, state.lease = {answer.who: answer}, None  # who has it needn't go on
        _accept(state, answer)
    elif event.action == "return":
        state.name, state.accepted, state.live, state.note = "proposed", None, {}, event.reason or ""
        state.skips, state.lease = set(), None
    elif event.action == "reopen":
        state.name, state.live, state.note = "proposed", {}, event.reason or ""
        state.skips, state.lease = set(), None
    elif event.action == "close" and state.waits_for_second:
        _accept_unless_reviewed(state, rules)  # it is paid, and sound: nobody is asked a second time
        state.lease = None
    elif event.action == "close" and state.name not in ANSWERED:
        state.name, state.note, state.lease = "withdrawn", event.reason or "", None
    elif event.action == "skip":
        state.skips.add(event.who)
        _give_back(state, event.who)
        if state.name in OPEN and (state.name != "handed_out" or state.lease is None):
            state.name = "needs_review" if len(state.skips) >= MAX_SKIPS else "proposed"
            state.note = event.reason or "skipped"


def _hand_out(state: TaskState, event: TaskEvent) -> None:
    """To a tool, or to one person until a time: then what waits for a reviewer, or is answered, keeps its name."""
    if event.until is not None:
        state.lease = Lease(event.who, event.until)
        state.untils[event.who] = event.until
    if state.name == "proposed":
        state.name = "handed_out"
        if event.until is None:
            state.note, state.lease = event.reason or "", None  # who leases it reads why it is asked again


def _give_back(state: TaskState, who: str | None) -> None:
    """The task is in this person's hands no longer."""
    state.untils.pop(who, None)
    if state.lease is not None and state.lease.who == who:
        state.lease = None

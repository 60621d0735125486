"""Tasks to people and answers back, one call after the other: what the service does for everybody who labels on it."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import RLock
from typing import Final, Literal

from raymeta.errors import InputError
from raymeta.labels.agreement import Agreement, agreement
from raymeta.labels.annotator_list import LOCAL_PERSON, Person
from raymeta.labels.answer_drafts import AnswerDrafts
from raymeta.labels.answer_files import AnswerRecord
from raymeta.labels.label_store import LabelStore
from raymeta.labels.task_events import Action, TaskEvent
from raymeta.labels.task_leases import (
    MAX_LEASED,
    after,
    lease_in_force,
    open_tasks,
    time_text,
)
from raymeta.labels.task_messages import because, clock_text, what_became, why_fewer, why_lost
from raymeta.labels.task_states import ANSWERED, OPEN, Lease, TaskState
from raymeta.runs.store_files import StoreFiles

LEASE_S: Final = 1800.0
RENEWED_BELOW: Final = 2 / 3
"""Share of a lease that is left when its renewal is written: pages renew each minute, and each write is a file."""
MAX_AGE_S: Final = 1.0
"""Seconds until answers that other commands brought are seen."""

Reason = Literal["unknown", "forbidden", "moved"]


class TaskRefusedError(InputError):
    """A call that can't be done. reason: no such task, not this person's to do, or the state has moved on."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class LeasedTasks:
    """What a person holds now. open: tasks that wait beside these. reason: why there are fewer than were asked for."""

    states: list[TaskState]
    open: int
    reason: str | None = None


@dataclass(frozen=True)
class KeptAnswer:
    """What became of an answer.

    new: False where it was known. message: what the person should know. agreement: with another person's answer.
    """

    answer: AnswerRecord
    state: TaskState
    new: bool
    message: str | None = None
    agreement: Agreement | None = None


class TaskDispatcher:
    """Hands tasks out and keeps what comes back. One process of a service has it, so that its calls never cross.

    Everything that it knows is in the files of the run: a dispatcher that starts anew goes on with all leases.

    Args:
        labels: of the run.
        files: of the run folder.
        lease_s: seconds that a task stays in a person's hands without a renewal.
        clock: the time in UTC.
    """

    def __init__(
        self,
        labels: LabelStore,
        files: StoreFiles,
        lease_s: float = LEASE_S,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.labels, self.drafts, self.lease_s = labels, AnswerDrafts(files), lease_s
        self._clock = clock
        self._lock = RLock()
        self._states: dict[str, list[TaskState]] = {}
        self._read_at = float("-inf")

    @property
    def now(self) -> str:
        """The time, as files hold it."""
        return time_text(self._clock())

    def states(self) -> dict[str, list[TaskState]]:
        """What became of each task, by set, at most a second old."""
        with self._lock:
            if time.monotonic() - self._read_at > MAX_AGE_S:
                self._states = self.labels.states_by_set(self.labels.sets.names(), self.now)
                self._read_at = time.monotonic()
            return self._states

    def find(self, task_id: str) -> TaskState:
        """The state of one task.

        Raises:
            TaskRefusedError: there is no such task.
        """
        for states in self.states().values():
            for state in states:
                if state.task.id == task_id:
                    return state
        raise TaskRefusedError("unknown", f"{task_id[:200]!r} isn't a task of the run: GET /v1/tasks lists them")

    def lease_of(self, state: TaskState) -> Lease | None:
        """Who holds a task now."""
        return lease_in_force(state, self.now)

    def lease(self, person: Person, count: int, set_name: str | None = None) -> LeasedTasks:
        """Let a person hold `count` tasks in all: what they hold already, and more where that are fewer.

        Raises:
            TaskRefusedError: there is no such set.
        """
        with self._lock:
            states = self.states()
            if set_name is not None and set_name not in states:
                raise TaskRefusedError(
                    "unknown", f"set {set_name[:80]!r}: choose among {', '.join(states) or 'none yet'}"
                )
            found = open_tasks(states, person, self.now, set_name)
            if len(found.held) + len(found.free) < count:  # before a person is told that nothing is left, look again
                self._read_at = float("-inf")
                found = open_tasks(self.states(), person, self.now, set_name)
            added = found.free[: max(0, min(count, MAX_LEASED) - len(found.held))]
            if added:
                self._hand_out(person, [state.task.id for state in added])
            held = [self.find(state.task.id) for state in (*found.held, *added)]
            reason = why_fewer(found) if len(held) < count else None
            return LeasedTasks(held, found.open - len(added), reason)

    def lease_one(self, person: Person, task_id: str) -> LeasedTasks:
        """Let a person hold one task, an answered one too: to correct it.

        Raises:
            TaskRefusedError: somebody else holds it, it was withdrawn, or the person holds too many.
        """
        with self._lock:
            state = self.find(task_id)
            lease = self.lease_of(state)
            found = open_tasks(self.states(), person, self.now)
            if lease is None or lease.who != person.name:
                if lease is not None:
                    raise TaskRefusedError("moved", f"{task_id}: {lease.who} holds it until {clock_text(lease.until)}")
                if state.name == "withdrawn":
                    raise TaskRefusedError("moved", f"{task_id} was withdrawn{because(state.note)}")
                if len(found.held) >= MAX_LEASED:
                    raise TaskRefusedError("moved", f"you hold {len(found.held)} tasks: answer or release some first")
                self._hand_out(person, [task_id])
            return LeasedTasks([self.find(task_id)], found.open - (lease is None and state.name in OPEN))

    def renew(self, person: Person, task_ids: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Go on holding tasks. One whose lease is over is handed out again where nobody else has it.

        Returns:
            The end of each lease by task id, and for tasks that were lost the reason.
        """
        with self._lock:
            kept: list[str] = []
            lost: dict[str, str] = {}
            free = {state.task.id for state in open_tasks(self.states(), person, self.now).free}
            due = after(self._clock(), self.lease_s * RENEWED_BELOW)
            late: list[str] = []
            for task_id in dict.fromkeys(task_ids):
                try:
                    state = self.find(task_id)
                except TaskRefusedError as error:
                    lost[task_id] = str(error)
                    continue
                lease = self.lease_of(state)
                mine = lease is not None and lease.who == person.name
                if not mine and task_id not in free:
                    lost[task_id] = why_lost(state, person, self.now)
                    continue
                kept.append(task_id)
                if lease is None or lease.until < due:
                    late.append(task_id)
            if late:
                self._hand_out(person, late)
            leases = {task_id: self.find(task_id).lease for task_id in kept}
            return {task_id: lease.until for task_id, lease in leases.items() if lease is not None}, lost

    def release(self, person: Person, task_id: str) -> TaskState:
        """Give a task back; an admin may take anybody's.

        Raises:
            TaskRefusedError: another person holds it.
        """
        with self._lock:
            state = self.find(task_id)
            lease = self.lease_of(state)
            if lease is None:
                return state
            if lease.who != person.name and not person.may("admin"):
                raise TaskRefusedError(
                    "forbidden", f"{task_id}: {lease.who} holds it, and only an admin may release it"
                )
            return self._decide("recall", state, person, None)

    def answer(self, person: Person, answer: AnswerRecord) -> KeptAnswer:
        """Keep an answer, whoever holds the task; the same one again changes nothing.

        Args:
            person: who answers.
            answer: its id is the caller's, `who` and `time` are set here.

        Raises:
            TaskRefusedError: no such task, or the id belongs to another answer.
        """
        with self._lock:
            before = self.find(answer.task_id)
            answer = answer.model_copy(update={"who": person.name, "time": self.now})
            known = next((each for each in before.answers if each.id == answer.id), None)
            if known is not None and _content(known) != _content(answer):
                raise TaskRefusedError(
                    "moved", f"{answer.task_id}: answer {answer.id} says something else already: make a new id"
                )
            if known is None:
                self.labels.answers.add(before.task, answer)
                self._refresh(before.task.set)
            self.drafts.drop(before.task, person.name)
            state = self.find(answer.task_id)
            other = next((each for each in state.live.values() if each.who != person.name), None)
            return KeptAnswer(
                known or answer,
                state,
                known is None,
                what_became(before, state, person, answer, self.labels.rules, self.now) or self._too_late(state),
                None if other is None else agreement(other, known or answer, self.labels.rules.agree_within),
            )

    def skip(self, person: Person, task_id: str, reason: str | None) -> TaskState:
        """Pass a task on; the second person who does leaves it to a reviewer."""
        with self._lock:
            state = self.find(task_id)
            return state if person.name in state.skips else self._decide("skip", state, person, reason)

    def accept(
        self, person: Person, task_id: str, answer_id: str, seen: Collection[str], reason: str | None
    ) -> TaskState:
        """Let an answer count. seen: ids of the answers that the person has looked at.

        Raises:
            TaskRefusedError: no such answer, one has come since, or it is the person's own where a second must look.
        """
        with self._lock:
            self._refresh(self.find(task_id).task.set)
            state = self.find(task_id)
            answer = next((each for each in state.answers if each.id == answer_id), None)
            if answer is None:
                raise TaskRefusedError("unknown", f"{task_id} has no answer {answer_id[:80]!r}")
            unseen = next((each for each in state.answers if each.id not in {*seen, answer_id}), None)
            if unseen is not None:
                who, when = unseen.who or "somebody", clock_text(unseen.time)
                raise TaskRefusedError("moved", f"{task_id} was answered again at {when} by {who}: look again")
            own = answer.who == person.name and person != LOCAL_PERSON
            if own and self.labels.rules.review == "always":
                raise TaskRefusedError(
                    "forbidden", f"{task_id}: it is your own answer: another reviewer has to accept it"
                )
            if state.name in ANSWERED and state.accepted is not None and state.accepted.id == answer_id:
                return state
            return self._decide("accept", state, person, reason, answer_id)

    def return_task(self, person: Person, task_id: str, reason: str) -> TaskState:
        """Ask again, and let what was answered count no longer.

        Raises:
            TaskRefusedError: nothing was answered.
        """
        with self._lock:
            state = self.find(task_id)
            if not state.answers:
                raise TaskRefusedError("moved", f"{task_id}: nothing was answered yet that could be returned")
            returned = not state.live and state.accepted is None
            return state if returned else self._decide("return", state, person, reason)

    def reopen(self, person: Person, task_id: str, reason: str | None) -> TaskState:
        """Ask again; what was accepted counts until somebody answers."""
        with self._lock:
            state = self.find(task_id)
            is_open = state.name in ("proposed", "handed_out")
            return state if is_open else self._decide("reopen", state, person, reason)

    def _decide(
        self, action: Action, state: TaskState, person: Person, reason: str | None, answer: str | None = None
    ) -> TaskState:
        event = TaskEvent(
            time=self.now, action=action, tasks=[state.task.id], who=person.name, answer=answer, reason=reason
        )
        self.labels.events.add(event)
        self._refresh(state.task.set)
        return self.find(state.task.id)

    def _hand_out(self, person: Person, task_ids: list[str]) -> None:
        until = after(self._clock(), self.lease_s)
        event = TaskEvent(time=self.now, action="hand_out", tasks=task_ids, who=person.name, until=until)
        self.labels.events.add(event)
        self._refresh(*{self.find(task_id).task.set for task_id in task_ids})

    def _refresh(self, *names: str) -> None:
        """Fold some sets anew, after something was written."""
        self._states = {**self.states(), **self.labels.states_by_set(names, self.now)}

    def _too_late(self, state: TaskState) -> str | None:
        """What to say where the run no longer waits for a task."""
        if self.labels.went_on(state.task.set):
            return f"{state.task.id}: the run went on already: the next iteration trains on this answer"
        return None


def _content(answer: AnswerRecord) -> tuple[object, ...]:
    return answer.who, answer.labels_sha256, answer.undecidable, answer.uncovered

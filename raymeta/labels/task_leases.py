"""Which tasks a person gets: the images that were begun first, boxes of one image to one person."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from raymeta.labels.annotator_list import Person
from raymeta.labels.task_states import OPEN, Lease, TaskState

MAX_LEASED: Final = 10
"""Tasks that one person may hold."""
_FORMAT: Final = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True)
class OpenTasks:
    """What may be handed to one person.

    held: what the person holds. free: what may be handed out to them, best first. open: tasks that wait for an answer,
    those in other hands included. with_tools, with_others: those that an annotation tool has, or another person, or
    whose image another person works on. for_second: those that the person has answered, and somebody else shall.
    """

    held: list[TaskState]
    free: list[TaskState]
    open: int
    with_tools: int
    with_others: int
    for_second: int


def time_text(time: datetime) -> str:
    """A time as files hold it."""
    return time.strftime(_FORMAT)


def after(time: datetime, seconds: float) -> str:
    """A later time as files hold it."""
    return time_text(time + timedelta(seconds=seconds))


def seconds_between(first: str, second: str) -> float:
    """Seconds from one time to another, as files hold them."""
    return (datetime.strptime(second, _FORMAT) - datetime.strptime(first, _FORMAT)).total_seconds()


def lease_in_force(state: TaskState, at: str) -> Lease | None:
    """The lease of a task that isn't over."""
    return state.lease if state.lease is not None and state.lease.until > at else None


def open_tasks(
    states: Mapping[str, Sequence[TaskState]], person: Person, at: str, only: str | None = None
) -> OpenTasks:
    """What a person holds, and what may be handed to them.

    Images that the person has begun come first, then sets in their order, then images by the rank of their best task.
    What the person skipped, or two people did, comes last, and only to reviewers.

    Args:
        states: of every set, in the order of the sets.
        person: who asks.
        at: the time.
        only: name of the one set to hand out from; None is all.
    """
    everything = [state for name in states for state in states[name]]
    holders = _image_holders(everything, at)
    begun = {s.task.image_id for s in everything if _has_begun(s, person, at)}
    held, free, counts = [], [], {"open": 0, "with_tools": 0, "with_others": 0, "for_second": 0}
    for name in [name for name in states if only in (None, name)]:
        for state in states[name]:
            lease = lease_in_force(state, at)
            if lease is not None and lease.who == person.name and state.name != "withdrawn":
                held.append(state)
            elif state.name in OPEN:
                counts["open"] += 1
                if state.waits_for_second and person.name in state.live:
                    counts["for_second"] += 1
                elif lease is not None or not holders.get(state.task.image_id, {person.name}) <= {person.name}:
                    counts["with_others"] += 1
                elif state.name == "handed_out" and state.lease is None:
                    counts["with_tools"] += 1
                elif not _is_left(state, person) or person.may("review"):
                    free.append(state)
    return OpenTasks(held, _ordered(free, states, begun, person), **counts)


def _ordered(
    free: Sequence[TaskState], states: Mapping[str, Sequence[TaskState]], begun: set[str], person: Person
) -> list[TaskState]:
    places = {name: place for place, name in enumerate(states)}
    best: dict[tuple[str, str], int] = {}
    for state in free:
        image = (state.task.set, state.task.image_id)
        best[image] = min(best.get(image, state.task.rank), state.task.rank)

    def key(state: TaskState) -> tuple[bool, bool, int, int, str, int]:
        task = state.task
        return (
            _is_left(state, person),
            task.image_id not in begun,
            places[task.set],
            best[task.set, task.image_id],
            task.image_id,
            task.rank,
        )

    return sorted(free, key=key)


def _is_left(state: TaskState, person: Person) -> bool:
    """Whether the person passed a task on, or two people did."""
    return state.name == "needs_review" or person.name in state.skips


def _has_begun(state: TaskState, person: Person, at: str) -> bool:
    lease = lease_in_force(state, at)
    return (lease is not None and lease.who == person.name) or any(a.who == person.name for a in state.answers)


def _image_holders(states: Iterable[TaskState], at: str) -> dict[str, set[str | None]]:
    """Who holds tasks of an image."""
    holders: dict[str, set[str | None]] = {}
    for state in states:
        lease = lease_in_force(state, at)
        if lease is not None:
            holders.setdefault(state.task.image_id, set()).add(lease.who)
    return holders

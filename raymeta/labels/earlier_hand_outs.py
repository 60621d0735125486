"""Tasks that somebody has already: who, or which folder, and since when."""

from collections.abc import Iterable, Mapping, Sequence

from raymeta.labels.label_store import LabelStore
from raymeta.labels.task_events import TaskEvent
from raymeta.labels.task_states import TaskState


def earlier_hand_outs(labels: LabelStore, states: Iterable[TaskState]) -> dict[str, TaskEvent]:
    """The last hand-out of each task that is out now, neither answered nor taken back since, by task id."""
    out = {state.task.id for state in states if state.name == "handed_out"}
    found = dict[str, TaskEvent]()
    for event in labels.events.all() if out else ():
        if event.action == "hand_out":
            found |= dict.fromkeys(out.intersection(event.tasks), event)
    return found


def hand_out_warning(again: Mapping[str, TaskEvent], tasks: Sequence[str]) -> str | None:
    """Lines that tell which of the tasks somebody has already; None where nobody has one.

    Args:
        again: of `earlier_hand_outs`, before the tasks went out now.
        tasks: ids of those that go out now.
    """
    counts = dict[str, int]()
    events = {event.id: event for event in again.values()}
    for task_id in tasks:
        if task_id in again:
            counts[again[task_id].id] = counts.get(again[task_id].id, 0) + 1
    if not counts:
        return None
    ordered = sorted(counts, key=lambda name: events[name].time)
    return "\n".join(
        [
            f"warning: {sum(counts.values())} of these {len(tasks)} tasks are out already, and may be answered twice:",
            *(f"  {counts[name]} since {_place(events[name])}" for name in ordered),
            "--only-new leaves such tasks out; `raymeta tasks recall` takes them back",
        ]
    )


def _place(event: TaskEvent) -> str:
    """When tasks were handed out, and where they are."""
    time = f"{event.time[:16].replace('T', ' ')} UTC"
    if event.until is not None:
        return f"{time}, on the labelling page, to {event.who or 'somebody'}"
    return f"{time}, {event.reason or 'somewhere'}"

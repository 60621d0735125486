"""What a person is told about tasks: why there are no more, why one is lost, what became of an answer."""

from raymeta.labels.annotator_list import Person
from raymeta.labels.answer_files import AnswerRecord
from raymeta.labels.task_leases import OpenTasks, lease_in_force, seconds_between
from raymeta.labels.task_states import ANSWERED, Rules, TaskState


def why_fewer(found: OpenTasks) -> str:
    """Why a person gets fewer tasks than were asked for."""
    if not found.open:
        return "nothing is left to be labelled"
    parts = []
    if found.with_others:
        parts.append(f"{found.with_others} open tasks are in other people's hands, or of images that they work on")
    if found.with_tools:
        parts.append(f"{found.with_tools} were handed out to a tool: `raymeta tasks recall RUN` takes them back")
    if found.for_second:
        waits = "waits" if found.for_second == 1 else "wait"
        parts.append(
            f"{found.for_second} that you have answered {waits} for a second person's answer, as oracle.double_share "
            "says: who works alone ends that by `raymeta tasks close RUN --set SET`"
        )
    left = found.open - found.with_others - found.with_tools - found.for_second - len(found.free)
    if left:
        parts.append(f"{left} were skipped, by you or by two people, and wait for a reviewer")
    return "; ".join(parts) or "nothing else is open"


def why_lost(state: TaskState, person: Person, at: str) -> str:
    """Why a task isn't in a person's hands any more, and what an answer would be worth."""
    lease = lease_in_force(state, at)
    other = next((each.who or "somebody" for each in state.live.values() if each.who != person.name), None)
    kept = "an answer of yours is kept for comparison"
    if person.name in state.live:
        return f"{state.task.id}: you have answered it already: another answer of yours takes the place of that one"
    if other is not None and state.name in (*ANSWERED, "conflict", "annotated"):
        what = f"{other} answered it: {kept}"
    elif lease is not None:
        what = f"{lease.who} has it now: {kept}"
    elif state.name == "withdrawn":
        what = f"it was withdrawn{because(state.note)}"
    else:
        what = f"it is {state.name.replace('_', ' ')} now: {kept}"
    return f"{state.task.id}: {_ended(state, person, at)}{what}"


def what_became(
    before: TaskState, state: TaskState, person: Person, answer: AnswerRecord, rules: Rules, at: str
) -> str | None:
    """What a person should know about what became of an answer.

    Args:
        before: of the task, before the answer.
        state: of the task now.
        person: who answered.
        answer: what they said.
        rules: when an answer counts.
        at: the time.
    """
    task_id, size = state.task.id, state.task.height * state.task.width
    others = [each.who or "somebody" for each in before.live.values() if each.who != person.name]
    if others and before.name in (*ANSWERED, "conflict", "annotated"):
        ended = _ended(before, person, at)
        text = f"{task_id}: {ended}{' and '.join(others)} answered it: your answer is kept for comparison"
        return text + (": they differ, and a reviewer decides" if state.name == "conflict" else "")
    if state.name == "annotated" and state.is_partial(answer, rules):
        share = f"{answer.uncovered} of {size} px have no class ({100 * answer.uncovered / size:.0f} %)"
        return f"{task_id}: {share}: partial; finish it, or let the rest be void"
    return None


def because(note: str) -> str:
    """A note behind a sentence."""
    return f": {note}" if note else ""


def clock_text(time: str) -> str:
    """`10:14 UTC` of a time as files hold it."""
    return f"{time[11:16]} UTC"


def _ended(state: TaskState, person: Person, at: str) -> str:
    """`your lease ended 12 min ago and `, where that is so."""
    until = state.untils.get(person.name)
    if until is None or until > at:
        return ""
    return f"your lease ended {_ago(seconds_between(until, at))} ago and "


def _ago(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"

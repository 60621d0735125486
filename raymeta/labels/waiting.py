"""What a run waits for by the answers of now; the run itself says it once, when it begins to wait."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from raymeta.config import ExperimentConfig
from raymeta.labels.annotator import WHOLE_IMAGE_SETS, query_set_name
from raymeta.labels.label_store import LabelStore
from raymeta.labels.task_states import Rules, StateName, TaskState
from raymeta.runs.run_status import RunStatus, run_status
from raymeta.runs.run_store import RunStore
from raymeta.runs.store_files import RunError

_TROUBLE: dict[StateName, str] = {
    "conflict": "with answers that differ: `raymeta tasks accept RUN --task ID` decides",
    "annotated": "answered, but unfinished or not reviewed yet",
    "needs_review": "passed on by two people",
}

ALL_ANSWERED: Final = (
    "everything that was asked for is answered: the run goes on within a minute where a command waits for it, else by "
    "the command that began it"
)


def status_now(location: str) -> RunStatus:
    """How far the run at a place is, and what of its tasks is left by now.

    Raises:
        RunError: no run there, or its config can't be read.
    """
    found = run_status(location)
    if found.waits_for is None:
        return found
    store = RunStore(location)
    config = store.load_config()
    try:
        wanted = _wanted_now(config, LabelStore(store, Rules.of(config.oracle)))
    except RunError:
        return found  # the run names the damage when it goes on
    *_, how = found.waits_for.splitlines()
    return replace(found, waits_for="\n".join([*wanted, how]) if wanted else ALL_ANSWERED)


def are_enough(states: Sequence[TaskState], go_on_at: float) -> bool:
    """Whether a run goes on with the answers to a set: all tasks are settled, or the share of `oracle.go_on_at` is."""
    if all(state.is_settled for state in states):
        return True
    return sum(state.counts for state in states) >= go_on_at * len(states)


def wanted_text(name: str, states: Sequence[TaskState], config: ExperimentConfig) -> str:
    """One line: how much of a set is left, and what there is trouble with."""
    counts = Counter(state.name for state in states)
    left = sum(not state.is_settled for state in states)
    what = "images" if name in WHOLE_IMAGE_SETS else config.acquisition.asked
    more = [f"{counts[state]} {text}" for state, text in _TROUBLE.items() if counts[state]]
    if second := sum(state.waits_for_second for state in states):
        more.append(f"{second} by a second person, as oracle.double_share says")
    if name == query_set_name(config.iterations - 1):
        more.append(f"the last query of this run: iterations={config.iterations + 1} trains on its answers")
    details = f" ({', '.join(more)})" if more else ""
    return f"waiting for people: {left} of {len(states)} {what} of set {name} are to be labelled{details}"


def _wanted_now(config: ExperimentConfig, labels: LabelStore) -> list[str]:
    """A line a set of which a run still waits for answers."""
    open_sets = [name for name in labels.sets.names() if not labels.went_on(name)]
    found = labels.states_by_set(open_sets)
    return [
        wanted_text(name, states, config)
        for name, states in found.items()
        if not are_enough(states, config.oracle.go_on_at)
    ]

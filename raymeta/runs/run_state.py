"""The state of a run: one answer for the loop, the service, sweeps, reports and `raymeta status`."""

from collections.abc import Sequence
from typing import Final, Literal

from raymeta.config import ExperimentConfig
from raymeta.runs.records import SummaryRecord
from raymeta.runs.run_store import RunStore
from raymeta.runs.store_files import RunError

RunState = Literal["open", "waits for people", "dry", "finished"]
"""open: the same command goes on. waits for people: it does once they have labelled what was asked. dry: no box is
left to ask for, so it ended before its last iteration. finished: all iterations are done."""

FULL_SET: Final = "full_set"


def planned_iterations(strategy: str, iterations: int) -> int:
    """Iterations of a run whose config says `iterations`: the full set is trained on once."""
    return 1 if strategy == FULL_SET else iterations


def state_of(strategy: str, iterations: int, query_boxes: Sequence[int], waits_for: str | None = None) -> RunState:
    """The state of a run.

    Args:
        strategy: of the run.
        iterations: `iterations` of its config.
        query_boxes: how many boxes each finished iteration asked for, in order.
        waits_for: what people are asked for; None where nobody is.
    """
    if len(query_boxes) >= planned_iterations(strategy, iterations):
        return "finished"
    if query_boxes and query_boxes[-1] == 0:
        return "dry"
    return "open" if waits_for is None else "waits for people"


def run_state(store: RunStore, config: ExperimentConfig | None = None) -> RunState:
    """The state of the run in a folder, from what its manifests name; artefacts but summaries aren't looked at.

    Args:
        store: the run folder.
        config: where it is known already.

    Raises:
        RunError: no run there, or its config can't be read.
    """
    config = config or store.load_config()
    boxes: list[int] = []
    for index in store.iterations():
        folder = store.iteration(index)
        if index != len(boxes) or folder.fingerprint("summary") is None:
            break
        try:
            boxes.append(SummaryRecord.read(folder).query_boxes)
        except RunError:
            break  # damaged: the run makes it anew
    return state_of(config.acquisition.strategy, config.iterations, boxes, store.read_waiting())


def is_over(state: RunState) -> bool:
    """Whether nothing is left to do."""
    return state in ("dry", "finished")

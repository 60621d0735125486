"""How far a run is, read from its folder alone: cheap enough to be asked every few seconds."""

import json
import os
import shlex
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from raymeta.config import ExperimentConfig
from raymeta.runs.forecast import forecast_of
from raymeta.runs.iteration_folder import STAGES
from raymeta.runs.records import SummaryRecord
from raymeta.runs.run_lease import newest_lease
from raymeta.runs.run_lock import LOCK
from raymeta.runs.run_state import FULL_SET, is_over, planned_iterations, run_state
from raymeta.runs.run_store import RunStore
from raymeta.runs.store_files import RunError

State = Literal["finished", "running", "waits for people", "stopped"]


@dataclass(frozen=True)
class RunStatus:
    """One run. iteration: finished ones. stage: the next one, None where all is done. miou, cost_a: percent of the last
    finished iteration. forecast: what the next clicks would bring. holder: the process that works in the folder.
    waits_for: what people are asked for. last_seen: the process that did so last, and when, where storage without locks
    tells no more than that.
    """

    run: str
    strategy: str
    seed: int
    state: State
    iteration: int
    iterations: int
    stage: str | None
    miou: float | None
    cost_a: float | None
    forecast: str | None
    holder: str | None
    waits_for: str | None
    last_seen: str | None = None


def run_status(location: str) -> RunStatus:
    """How far the run at a place is.

    Raises:
        RunError: no run there, or its config can't be read.
    """
    store = RunStore(location)
    config = store.load_config()
    planned = planned_iterations(config.acquisition.strategy, config.iterations)
    stages = {index: store.iteration(index).stage_seconds() for index in store.iterations()}
    done = sum("summary" in committed for committed in stages.values())
    last = last_numbers(store, done)
    finished = is_over(run_state(store, config))
    lease = newest_lease(store.files)
    holder = _holder(store) or (lease.who if lease is not None and lease.is_fresh else None)
    waits_for = _waits_for(store, config)
    return RunStatus(
        run=store.location,
        strategy=config.acquisition.strategy,
        seed=config.seed,
        state=_state(finished, holder, waits_for),
        iteration=done,
        iterations=planned,
        stage=None if finished else _next_stage(stages.get(done, {}), config),
        miou=last.miou,
        cost_a=last.cost_a,
        forecast=None if finished else _forecast(store, done),
        holder=holder,
        waits_for=None if finished else waits_for,
        last_seen=None if finished or holder or lease is None else f"{lease.who}, {_ago(lease.age_s)}",
    )


def _ago(seconds: float) -> str:
    """A time that has passed, in one unit."""
    return f"{seconds / 60:.0f} min ago" if seconds < 7200 else f"{seconds / 3600:.0f} h ago"


def _waits_for(store: RunStore, config: ExperimentConfig) -> str | None:
    """What people are asked for, and the commands; of a run that was moved or copied, those for the place it is at."""
    text = store.read_waiting()
    if text is None or not config.run_dir:
        return text
    return text.replace(f" {shlex.quote(config.run_dir)} ", f" {shlex.quote(store.location)} ")


def _forecast(store: RunStore, done: int) -> str | None:
    """What the next clicks would bring by so many finished iterations; None where nothing tells."""
    try:
        found = forecast_of([SummaryRecord.read(store.iteration(index)) for index in range(done)])
    except RunError:
        return None
    return None if found is None else found.text


def _state(finished: bool, holder: str | None, waits_for: str | None) -> State:
    if finished:
        return "finished"
    if holder is not None:
        return "running"
    return "stopped" if waits_for is None else "waits for people"


@dataclass(frozen=True)
class LastNumbers:
    """Of the last finished iteration, in percent; None where there is none, or its file is damaged."""

    miou: float | None = None
    cost_a: float | None = None


def last_numbers(store: RunStore, done: int) -> LastNumbers:
    """Numbers of the last of so many finished iterations."""
    try:
        summary = SummaryRecord.read(store.iteration(done - 1)) if done else None
    except RunError:
        summary = None
    if summary is None:
        return LastNumbers()
    cost = summary.costs.get("cost_a")
    return LastNumbers(100 * summary.miou, None if cost is None else cost.value)


def _next_stage(committed: dict[str, float], config: ExperimentConfig) -> str:
    asked = ("train", "summary") if config.acquisition.strategy == FULL_SET else STAGES
    return next((stage for stage in asked if stage not in committed), asked[0])


def _holder(store: RunStore) -> str | None:
    """The living process that the lock of a local folder names; elsewhere a process can't be asked."""
    if store.local_root is None:
        return None
    try:
        holder = json.loads((Path(store.local_root) / LOCK).read_text())
        pid, host = int(holder["pid"]), str(holder["host"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if host == socket.gethostname():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except PermissionError:
            pass  # another user's, so it lives
    return f"process {pid} on {host}"

"""What is read from finished iterations, for reports: one record a run, grouped into what can be averaged."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.config import RESUME_MAY_CHANGE, ExperimentConfig, flatten
from raymeta.experiment.run_store import RunError, RunStore

FULL_SET = "full_set"


@dataclass(frozen=True)
class RunResults:
    """Summaries and learning curves of one run; `notes` says what could not be read."""

    store: RunStore
    config: ExperimentConfig
    summaries: tuple[dict[str, Any], ...]
    learning_curves: dict[int, pa.Table] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def strategy(self) -> str:
        """Name of the acquisition strategy."""
        return self.config.acquisition.strategy

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return self.config.seed

    def values(self, key: str) -> NDArray[np.float64]:
        """(iterations,) float64 of one field of the summaries; nan where it is null or missing."""
        found = [summary.get(key) for summary in self.summaries]
        return np.array([np.nan if value is None else float(value) for value in found], dtype=np.float64)

    def class_iou(self) -> NDArray[np.float64]:
        """(iterations, C) float64; nan for classes that occur nowhere."""
        rows = [[np.nan if v is None else float(v) for v in s.get("class_iou") or []] for s in self.summaries]
        width = max((len(row) for row in rows), default=0)
        return np.array([row + [np.nan] * (width - len(row)) for row in rows], dtype=np.float64).reshape(-1, width)


@dataclass(frozen=True)
class RunGroup:
    """Runs that differ in their seeds alone."""

    label: str
    strategy: str
    runs: tuple[RunResults, ...]

    def mean(self, key: str) -> NDArray[np.float64]:
        """(iterations,) float64: mean over the runs, for the iterations that all of them have."""
        length = min(len(run.summaries) for run in self.runs)
        return np.mean([run.values(key)[:length] for run in self.runs], axis=0)


def load_run(location: str) -> RunResults:
    """Read what a run has finished so far.

    Raises:
        RunError: no run there.
    """
    store = RunStore(location)
    config = store.load_config()
    summaries, curves, notes = [], {}, []
    for index in store.iterations():
        folder = store.iteration(index)
        if "summary" not in folder.stage_seconds():
            continue
        try:
            summary = folder.read_json("summary.json")
            curves[index] = folder.read_table("training.parquet")
        except RunError as error:
            notes.append(str(error))
            continue
        summaries.append({**summary, "iteration": index})
    if not summaries:
        notes.append(f"{store.location} has no finished iteration yet")
    return RunResults(store, config, tuple(summaries), curves, tuple(notes))


def group_runs(runs: Sequence[RunResults]) -> list[RunGroup]:
    """Group runs with results by config apart from the seed; the label names what tells groups of a strategy apart."""
    groups: dict[tuple[tuple[str, str], ...], list[RunResults]] = {}
    for run in runs:
        if run.summaries:
            groups.setdefault(_identity(run.config), []).append(run)
    result = []
    for identity, members in groups.items():
        strategy = members[0].strategy
        rivals = [dict(other) for other, them in groups.items() if them[0].strategy == strategy]
        telling = [
            f"{key.rpartition('.')[2]} {value}" for key, value in identity if len({rival[key] for rival in rivals}) > 1
        ]
        label = f"{strategy} ({', '.join(telling)})" if telling else strategy
        result.append(RunGroup(label, strategy, tuple(sorted(members, key=lambda run: run.seed))))
    return sorted(result, key=lambda group: (group.strategy == FULL_SET, group.label))


def comparable_faults(runs: Sequence[RunResults]) -> list[str]:
    """One line for each setting of data or network in which the runs differ: their mIoU then can't be compared."""
    kept = [
        {k: v for k, v in flatten(r.config).items() if k.startswith(("dataset.", "network."))}
        for r in runs
        if r.summaries
    ]
    return [
        f"the runs differ in {key} ({', '.join(sorted({repr(values[key]) for values in kept}))}): compare with care"
        for key in (sorted(kept[0]) if kept else [])
        if key != "dataset.root" and len({repr(values[key]) for values in kept}) > 1
    ]


def _identity(config: ExperimentConfig) -> tuple[tuple[str, str], ...]:
    values = flatten(config)
    return tuple((key, str(values[key])) for key in sorted(values) if key != "seed" and key not in RESUME_MAY_CHANGE)

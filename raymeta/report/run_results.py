"""What is read from finished iterations, for reports: one record a run, grouped into what can be averaged."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.annotation.cost_models import COST_MODELS
from raymeta.config import CUSTOM, RESUME_MAY_CHANGE, ExperimentConfig, flatten, seed_folder
from raymeta.locations import without_options
from raymeta.report.dataset_facts import DatasetFacts, dataset_facts
from raymeta.runs.records import COST_FIELDS, ScoreRecord, SummaryRecord
from raymeta.runs.run_store import RunError, RunStore

FULL_SET = "full_set"
MAX_LISTED = 3
"""Settings that a label names, of those that tell groups of one strategy apart."""
MAX_NAMED_FOLDERS = 3
MATCH = "acquisition.match_cost"
"""Start of the keys of the matched baseline, and the name under which groups are told apart by it."""


@dataclass(frozen=True)
class RunResults:
    """Summaries and learning curves of one run; `notes` says what could not be read.

    matched: strategy of the run whose cost its queries match, None where they match nothing. data: its data set.
    """

    store: RunStore
    config: ExperimentConfig
    summaries: tuple[SummaryRecord, ...]
    learning_curves: dict[int, pa.Table] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    matched: str | None = None
    data: DatasetFacts | None = None

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
        found = [field_of(summary, key) for summary in self.summaries]
        return np.array([np.nan if value is None else float(value) for value in found], dtype=np.float64)

    def class_iou(self) -> NDArray[np.float64]:
        """(iterations, C) float64; nan for classes that occur nowhere."""
        rows = [[np.nan if v is None else float(v) for v in s.class_iou] for s in self.summaries]
        width = max((len(row) for row in rows), default=0)
        return np.array([row + [np.nan] * (width - len(row)) for row in rows], dtype=np.float64).reshape(-1, width)


@dataclass(frozen=True)
class RunGroup:
    """Runs that differ in their seeds alone; what one of them lacks amid its iterations is left out of all.

    So the n-th iteration of every run is the same one.
    """

    label: str
    strategy: str
    runs: tuple[RunResults, ...]

    def mean(self, key: str) -> NDArray[np.float64]:
        """(iterations,) float64: mean over the runs, for the iterations that all of them have."""
        length = min(len(run.summaries) for run in self.runs)
        return np.mean([run.values(key)[:length] for run in self.runs], axis=0)


def field_of(summary: SummaryRecord, key: str) -> Any:
    """A field of a summary by its name in summary.json; a cost that the file doesn't hold is priced from its counts."""
    for suffix, field_name in COST_FIELDS.items():
        name = key.removesuffix(suffix) if suffix else key
        if name in COST_MODELS and key == name + suffix:
            cost = summary.cost(COST_MODELS[name])
            return None if cost is None else getattr(cost, field_name)
    return getattr(summary, key)


def load_run(location: str, dataset_root: str | None = None) -> RunResults:
    """Read what a run has finished so far.

    dataset_root: where the data set is now; None takes the config's.

    Raises:
        RunError: no run there.
    """
    store = RunStore(location, dataset_root=dataset_root)
    config = store.load_config()
    summaries: list[SummaryRecord] = []
    curves, notes = {}, []
    for index in store.iterations():
        folder = store.iteration(index)
        if "summary" not in folder.stage_seconds():
            continue
        try:
            summaries.append(SummaryRecord.read(folder).model_copy(update={"iteration": index}))
            curves[index] = folder.read_table("training.parquet")
        except RunError as error:
            notes.append(str(error))
    if not summaries:
        notes.append(f"{store.location} has no finished iteration yet")
    matched, matched_notes = _matched(store, config, len(summaries))
    data = dataset_facts(store, config, summaries)
    return RunResults(store, config, tuple(summaries), curves, (*notes, *matched_notes), matched, data)


def _matched(store: RunStore, config: ExperimentConfig, iterations: int) -> tuple[str | None, list[str]]:
    """The strategy whose cost the run's queries match, and where the candidates didn't suffice for it."""
    if config.acquisition.match_cost_of is None:
        return None, []
    name, short = config.acquisition.match_cost_of, []
    for index in range(iterations):
        folder = store.iteration(index)
        match = ScoreRecord.read(folder).matched if folder.is_named("score.json") else None
        if match is not None:
            name = match.strategy
            short += [] if match.reached else [index]
    if not short:
        return name, []
    return name, [f"{store.location}: too few candidates to reach the matched cost in iterations {short}"]


def group_runs(runs: Sequence[RunResults]) -> list[RunGroup]:
    """Group runs with results by config apart from the seed.

    A group is called by its strategy. Groups of one strategy are called by the run folders that people named, where
    these tell them apart, else by what they differ in.
    """
    groups: dict[tuple[tuple[str, str], ...], list[RunResults]] = {}
    for run in runs:
        if run.summaries:
            groups.setdefault(_identity(run), []).append(run)
    result: list[RunGroup] = []
    for identity, members in groups.items():
        strategy = members[0].strategy
        rivals = [dict(other) for other, them in groups.items() if them[0].strategy == strategy]
        telling = [_shown(key, value) for key, value in identity if value and len({rival[key] for rival in rivals}) > 1]
        name = _chosen_name(members, [them for them in groups.values() if them[0].strategy == strategy])
        label = _label(strategy, telling) if name is None else _named(name, strategy)
        label = _unlike(label, [group.label for group in result])
        aligned = _without_gaps(sorted(members, key=lambda run: run.seed))
        if aligned:
            result.append(RunGroup(label, strategy, tuple(aligned)))
    return sorted(result, key=lambda group: (group.strategy == FULL_SET, group.label))


def _chosen_name(members: Sequence[RunResults], groups: Sequence[Sequence[RunResults]]) -> str | None:
    """The end of a group's path that tells it from the other groups of its strategy; None where no end does.

    A custom strategy has no name but its folder's.
    """
    if len(groups) < 2:
        return _folder_name(members, 1) if members[0].strategy == CUSTOM else None
    for depth in range(1, MAX_NAMED_FOLDERS + 1):
        names = [_folder_name(group, depth) for group in groups]
        if None not in names and len(set(names)) == len(names):
            return _folder_name(members, depth)
    return None


def _folder_name(runs: Sequence[RunResults], depth: int) -> str | None:
    """Last folders that all runs of a group have: of the runs, or above folders of repetitions."""
    names = set()
    for run in runs:
        parts = PurePosixPath(without_options(run.store.location)).parts
        parts = parts[:-1] if len(parts) > 1 and parts[-1] == seed_folder(run.seed) else parts
        names.add("/".join(parts[-depth:]))
    return names.pop() if len(names) == 1 else None


def _named(name: str, strategy: str) -> str:
    return name if strategy in name or strategy == CUSTOM else f"{name} ({strategy})"


def _label(strategy: str, telling: Sequence[str]) -> str:
    """A strategy with what tells its settings apart, short enough for a legend."""
    if not telling:
        return strategy
    more = [f"{len(telling) - MAX_LISTED} more"] if len(telling) > MAX_LISTED else []
    return f"{strategy} ({', '.join([*telling[:MAX_LISTED], *more])})"


def _unlike(label: str, others: Sequence[str]) -> str:
    """The label, numbered where another group has it already."""
    numbered = (label if number == 1 else f"{label} #{number}" for number in count(1))
    return next(name for name in numbered if name not in others)


def _without_gaps(runs: Sequence[RunResults]) -> list[RunResults]:
    """The runs without the iterations that some of them lacks while it has a later one; runs left empty are dropped."""
    found = [{summary.iteration for summary in run.summaries} for run in runs]
    gaps = {index for have in found for index in range(max(have)) if index not in have}
    kept = [tuple(summary for summary in run.summaries if summary.iteration not in gaps) for run in runs]
    return [replace(run, summaries=summaries) for run, summaries in zip(runs, kept, strict=True) if summaries]


def unlike_settings(first: RunResults, second: RunResults) -> int:
    """In how many settings two runs differ, beside the seed and what doesn't matter."""
    one, two = dict(_identity(first)), dict(_identity(second))
    return sum(one.get(key) != two.get(key) for key in one.keys() | two.keys())


def run_labels(runs: Sequence[RunResults]) -> list[str]:
    """For each run the label of its group, which tells runs of one strategy with other settings apart."""
    labels = {id(run.store): group.label for group in group_runs(runs) for run in group.runs}
    return [labels.get(id(run.store), run.strategy) for run in runs]


def _shown(key: str, value: str) -> str:
    return value if key == MATCH else f"{key.rpartition('.')[2]} {value}"


def _identity(run: RunResults) -> tuple[tuple[str, str], ...]:
    """Every value that makes a group; of a matched run not where its reference lies, but of which strategy it is."""
    values = {key: value for key, value in flatten(run.config).items() if not key.startswith(MATCH)}
    kept = {key: str(values[key]) for key in values if key != "seed" and key not in RESUME_MAY_CHANGE}
    total = run.config.acquisition.match_cost == "total"
    kept[MATCH] = f"{'total ' if total else ''}cost of {run.matched}" if run.matched else ""
    return tuple(sorted(kept.items()))

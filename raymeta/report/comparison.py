"""What a report compares: runs of one data set and network against their own full-set target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from raymeta.config import flatten
from raymeta.report.cost_at_target import TARGET_SHARE, CostAtTarget, cost_at_target
from raymeta.report.figures import SHOWN_COSTS, Target
from raymeta.report.file_names import file_key
from raymeta.report.run_results import FULL_SET, RunGroup, RunResults, group_runs, load_run
from raymeta.runs.run_store import RunError

DATA: Final = "data"
"""Key of a setting under which data sets are told apart, beside how they are read."""
Setting = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Comparison:
    """Groups that can be compared: one data set and network, read alike.

    label: what tells this setting from the others of the report, empty where there is one only.
    key: the same as part of a file name. at_target: by group label and cost name, empty without a target.
    """

    label: str
    key: str
    groups: tuple[RunGroup, ...]
    target: Target | None = None
    at_target: Mapping[str, Mapping[str, CostAtTarget]] = field(default_factory=dict)

    @property
    def queried(self) -> list[RunGroup]:
        """The groups that ask for boxes."""
        return [group for group in self.groups if group.strategy != FULL_SET]


def compare(runs: Sequence[RunResults]) -> tuple[list[Comparison], list[str]]:
    """Sort runs with results by setting and find the target of each; with notes on what is missing."""
    settings: dict[Setting, list[RunResults]] = {}
    for run in runs:
        if run.summaries:
            settings.setdefault(_setting(run), []).append(run)
    found: list[Comparison] = []
    notes: list[str] = []
    for setting, members in settings.items():
        telling = [
            f"data set {members[0].data.text}"
            if key == DATA and members[0].data
            else f"{key.rpartition('.')[2]} {value}"
            for key, value in setting
            if any(dict(other).get(key) != value for other in settings)
        ]
        target, target_notes = find_target(members)
        label = ", ".join(telling)
        notes += [f"{label}: {note}" if label else note for note in target_notes]
        groups = tuple(group_runs(members))
        found.append(Comparison(label, file_key(label), groups, target, _costs_at_target(groups, target)))
    if len(found) > 1:
        labels = "; ".join(sorted(comparison.label for comparison in found))
        notes.append(f"the runs can't all be compared, so each setting has its own part: {labels}")
    return sorted(found, key=lambda comparison: comparison.label), notes


def find_target(runs: Sequence[RunResults]) -> tuple[Target | None, list[str]]:
    """The target from the full-set runs among runs of one setting, else from the run that a config names."""
    full = [run for run in runs if run.strategy == FULL_SET and run.summaries]
    notes: list[str] = []
    if not full:
        full, notes = _named_full_set(runs)
    scores = [run.values("miou")[-1] for run in full]
    if not scores:
        return None, notes
    miou = float(sum(scores) / len(scores))
    return Target(miou, TARGET_SHARE * miou), notes


def _named_full_set(runs: Sequence[RunResults]) -> tuple[list[RunResults], list[str]]:
    from raymeta.runs.run_folders import expand_runs

    named = next((run.config.report.full_set_run for run in runs if run.config.report.full_set_run), None)
    if named is None:
        return [], []
    try:
        found = [run for run in map(load_run, expand_runs([named])) if run.summaries and run.strategy == FULL_SET]
    except RunError as error:
        return [], [f"report.full_set_run: {error}"]
    alike = [run for run in found if _setting(run) == _setting(runs[0])]
    if not found:
        return [], [f"report.full_set_run {named} isn't a finished full_set run"]
    if not alike:
        return [], [f"report.full_set_run {named} has another data set or network: its target would not fit"]
    return alike, []


def _costs_at_target(groups: Sequence[RunGroup], target: Target | None) -> dict[str, dict[str, CostAtTarget]]:
    if target is None:
        return {}
    return {
        group.label: {
            cost.name: cost_at_target(
                [run.values(cost.name) for run in group.runs], [run.values("miou") for run in group.runs], target.miou
            )
            for cost in SHOWN_COSTS
        }
        for group in groups
        if group.strategy != FULL_SET
    }


def _setting(run: RunResults) -> Setting:
    """What mIoU depends on beside the labels and the training: the data set, how it is read, and the network."""
    values: dict[str, Any] = flatten(run.config)
    kept = {key: str(value) for key, value in values.items() if key.startswith(("dataset.", "network."))}
    kept.pop("dataset.root")
    kept[DATA] = run.data.key if run.data else ""
    return tuple(sorted(kept.items()))

"""Strategies against each other at equal cost, and seed by seed: the report's tables of differences."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np

from raymeta.report.comparison import Comparison
from raymeta.report.cost_at_target import interpolated_cost
from raymeta.report.curve_statistics import (
    Curve,
    PairedTest,
    holm,
    mean_and_std,
    shared_range,
    sign_flip_test,
)
from raymeta.report.run_results import RunGroup, unlike_settings

EQUAL_COSTS: Final = 5
"""Costs of the shared range at which mIoU is told."""
MEASURES: Final = ("mean_miou", "cost_a_at_target")


@dataclass(frozen=True)
class EqualCostRow:
    """One group over the shared range of cost_A; mIoU and differences of it in 0..1, None where unknown.

    mean, std: of the area under the curve divided by the range, over the seeds. at: mean mIoU at each cost.
    against: difference to the baseline over the seeds that both have. p_holm: its p, corrected over all rows.
    """

    label: str
    mean: float | None
    std: float | None
    at: tuple[float | None, ...]
    baseline: str | None
    against: PairedTest
    p_holm: float | None = None


@dataclass(frozen=True)
class EqualCost:
    """Rows by falling mean mIoU, for the costs that every run of the comparison covers (percent, cost_A)."""

    costs: tuple[float, ...]
    rows: tuple[EqualCostRow, ...]


@dataclass(frozen=True)
class PairRow:
    """One group against another in one of MEASURES: first minus second, seed by seed.

    p_holm: the p of the test, corrected over all pairs of the measure.
    """

    measure: str
    first: str
    second: str
    test: PairedTest
    p_holm: float | None = None


def equal_cost(comparison: Comparison) -> EqualCost | None:
    """mIoU at equal cost_A; None where the runs have no range of costs in common.

    The baseline of a strategy is random_box matched to its cost where there is one, else random_box.
    """
    groups = comparison.queried
    span = shared_range([_curve(group, i) for group in groups for i in range(len(group.runs))])
    if span is None:
        return None
    costs = tuple(float(cost) for cost in np.linspace(*span, EQUAL_COSTS))
    rows = []
    for group in groups:
        mean, std = mean_and_std(list(_mean_mious(group, span).values()))
        curves = [_curve(group, i) for i in range(len(group.runs))]
        at = tuple(mean_and_std([curve.miou_at(cost) for curve in curves])[0] for cost in costs)
        baseline = _baseline(group, groups)
        against = (
            sign_flip_test([]) if baseline is None else _test(_mean_mious(group, span), _mean_mious(baseline, span))
        )
        rows.append(EqualCostRow(group.label, mean, std, at, baseline.label if baseline else None, against))
    rows = [replace(row, p_holm=p) for row, p in zip(rows, holm([row.against.p for row in rows]), strict=True)]
    return EqualCost(costs, tuple(sorted(rows, key=lambda row: -(row.mean or 0.0))))


def paired_rows(comparison: Comparison) -> list[PairRow]:
    """Every two groups, in mean mIoU over the shared range and in interpolated cost_A at target."""
    groups = comparison.queried
    span = shared_range([_curve(group, i) for group in groups for i in range(len(group.runs))])
    values: dict[str, dict[str, dict[int, float]]] = {measure: {} for measure in MEASURES}
    for group in groups:
        if span is not None:
            values["mean_miou"][group.label] = _mean_mious(group, span)
        if comparison.target is not None:
            values["cost_a_at_target"][group.label] = _costs(group, comparison.target.miou)
    found = []
    for measure, of in values.items():
        rows = [PairRow(measure, one, two, _test(of[one], of[two])) for one, two in combinations(of, 2)]
        rows = [row for row in rows if row.test.pairs]
        corrected = holm([row.test.p for row in rows])
        found += [replace(row, p_holm=p) for row, p in zip(rows, corrected, strict=True)]
    return found


def plain_random(group: RunGroup, groups: Sequence[RunGroup]) -> RunGroup | None:
    """Random boxes with the settings that are nearest to those of a group, without a matched cost."""
    rivals = [rival for rival in groups if rival.strategy == "random_box" and rival is not group]
    plain = [rival for rival in rivals if rival.runs[0].matched is None]
    return min(plain, key=lambda rival: unlike_settings(group.runs[0], rival.runs[0]), default=None)


def _baseline(group: RunGroup, groups: Sequence[RunGroup]) -> RunGroup | None:
    """Random boxes that match the cost of a group, else plain ones; plain ones are their own baseline."""
    if group.strategy == "random_box" and group.runs[0].matched is None:
        return None
    matched = [rival for rival in groups if rival.runs[0].matched == group.strategy and rival is not group]
    return next(iter(matched), None) or plain_random(group, groups)


def _curve(group: RunGroup, index: int) -> Curve:
    run = group.runs[index]
    return Curve.of(run.values("cost_a"), run.values("miou"))


def _mean_mious(group: RunGroup, span: tuple[float, float]) -> dict[int, float]:
    """Mean mIoU over the range, by seed."""
    return {run.seed: _curve(group, index).mean_miou(*span) for index, run in enumerate(group.runs)}


def _costs(group: RunGroup, target: float) -> dict[int, float]:
    """Interpolated cost_A at target, by seed; nan where it is not reached."""
    found = {run.seed: interpolated_cost(run.values("cost_a"), run.values("miou"), target) for run in group.runs}
    return {seed: np.nan if cost is None else cost for seed, cost in found.items()}


def _test(first: dict[int, float], second: dict[int, float]) -> PairedTest:
    """Differences of the seeds that both have."""
    return sign_flip_test([first[seed] - second[seed] for seed in sorted(first.keys() & second.keys())])

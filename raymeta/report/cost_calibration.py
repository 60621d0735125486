"""How well the costs of boxes were predicted before anybody labelled them: learned, and estimated from vertices."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from raymeta.report.comparison import Comparison
from raymeta.report.csv_files import to_csv
from raymeta.report.run_results import RunResults, run_labels
from raymeta.runs.records import CostAgreement, FitRecord, OracleRecord
from raymeta.runs.run_store import RunError

PREDICTORS: Final = ("learned", "estimated")
VALUES: Final = ("boxes", "ratio", "pearson", "spearman")


@dataclass(frozen=True)
class CalibrationRow:
    """Means over the seeds and iterations of a group; None where nothing is known.

    kind: whether somebody selected the boxes. predictor: one of PREDICTORS. boxes: their mean number. ratio: Σ
    predicted / Σ true. pearson, spearman: correlations. times: how many values the means are of.
    """

    label: str
    kind: str
    predictor: str
    times: int
    boxes: float | None
    ratio: float | None
    pearson: float | None
    spearman: float | None


def calibration_rows(comparison: Comparison) -> list[CalibrationRow]:
    """Of the groups that fit a cost regressor; none where no group does."""
    found = []
    for group in comparison.queried:
        records = [record for run in group.runs for record in _records(run)]
        for kind in dict.fromkeys(kind for _, kind, _ in records):
            for predictor in PREDICTORS:
                values = [value for _, own, agreement in records if own == kind and (value := agreement[predictor])]
                found += [_mean(group.label, kind, predictor, values)] if values else []
    return found


def calibration_csv(runs: Sequence[RunResults]) -> bytes:
    """One line a run, iteration, kind of boxes and predictor."""
    rows = [
        [label, run.seed, iteration, kind, predictor, *(values.get(name) for name in VALUES)]
        for run, label in zip(runs, run_labels(runs), strict=True)
        for iteration, kind, agreement in _records(run)
        for predictor in PREDICTORS
        if (values := agreement[predictor])
    ]
    return to_csv(["strategy", "seed", "iteration", "selected", "predictor", *VALUES], rows)


def _records(run: RunResults) -> list[tuple[int, str, dict[str, dict[str, float | None] | None]]]:
    """Iteration, kind of boxes, and agreement by predictor; what a damaged folder holds is left out."""
    found: list[tuple[int, str, dict[str, dict[str, float | None] | None]]] = []
    for summary in run.summaries:
        folder = run.store.iteration(summary.iteration)
        try:
            fitted = FitRecord.read(folder).cost_regressor
            asked = OracleRecord.read(folder).cost_agreement
        except RunError:
            continue
        both: list[tuple[str, CostAgreement | None]] = [
            ("not selected", None if fitted is None else fitted.unselected),
            ("selected", asked),
        ]
        found += [
            (summary.iteration, kind, {"learned": value.learned, "estimated": value.estimated})
            for kind, value in both
            if value is not None
        ]
    return found


def _mean(label: str, kind: str, predictor: str, values: Sequence[dict[str, float | None]]) -> CalibrationRow:
    means: dict[str, Any] = {}
    for name in VALUES:
        known = [number for value in values if (number := value.get(name)) is not None]
        means[name] = float(np.mean(known)) if known else None
    return CalibrationRow(label, kind, predictor, len(values), **means)

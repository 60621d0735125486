"""The numbers of a report as rows: printed, and as CSV files."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table

from raymeta.locations import hide_secrets
from raymeta.report.click_agreement import ClickPairs, agreement, agreement_rows
from raymeta.report.csv_files import to_csv
from raymeta.report.paired_comparison import EqualCost, PairRow
from raymeta.report.run_results import RunResults, load_run, run_labels
from raymeta.runs.run_folders import expand_runs

COLUMNS: Final = ("strategy", "seed", "iteration", "mIoU", "cost_A", "cost_B", "cost_P", "boxes", "R²")
_FIELDS: Final = ("miou", "cost_a", "cost_b", "cost_p", "boxes", "r2")
_CSV_FIELDS: Final = (
    *_FIELDS,
    "query_boxes",
    "labelled_share",
    "cost_a_without_meta",
    "cost_b_without_meta",
    "cost_p_without_meta",
    "epochs",
    "best_epoch",
)


def summary_table(run_locations: Sequence[str]) -> list[dict[str, Any]]:
    """As `summary_rows`, of the runs at some locations.

    Raises:
        RunError: one of the locations holds no run.
    """
    return summary_rows([load_run(location) for location in expand_runs(run_locations)])


def summary_rows(runs: Sequence[RunResults]) -> list[dict[str, Any]]:
    """One row a finished iteration, with the keys of COLUMNS; mIoU and R² in 0..1, costs in percent.

    strategy: the label of the run's group, so that settings of one strategy are told apart.
    """
    rows = []
    for run, label in zip(runs, run_labels(runs), strict=True):
        for summary in run.summaries:
            values = (label, run.seed, summary["iteration"], *(summary.get(name) for name in _FIELDS))
            rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def print_table(run_locations: Sequence[str], console: Console) -> None:
    """Print the summary table."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in COLUMNS:
        left = name == "strategy"  # it may be long, and the figures must stay whole
        table.add_column(name, justify="left" if left else "right", no_wrap=not left, overflow="fold")
    for row in summary_table(run_locations):
        table.add_row(*(show(name, row[name]) for name in COLUMNS))
    console.print(table)


def show(name: str, value: Any) -> str:
    """A value as the tables show it: mIoU and costs in percent with two digits, R² with three."""
    if value is None:
        return "–"
    if name == "mIoU":
        return f"{100 * value:.2f}"
    if name == "R²":
        return f"{value:.3f}"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def summary_csv(runs: Sequence[RunResults]) -> bytes:
    """One line a finished iteration, with raw clicks and seconds of each stage."""
    clicks = sorted({name for run in runs for summary in run.summaries for name in summary.get("clicks") or {}})
    stages = sorted({name for run in runs for summary in run.summaries for name in summary.get("seconds") or {}})
    header = ["run", "strategy", "seed", "iteration", *_CSV_FIELDS]
    header += [f"clicks_{name}" for name in clicks] + [f"seconds_{name}" for name in stages]
    rows = []
    for run in runs:
        for summary in run.summaries:
            row = [
                hide_secrets(run.store.location),
                run.strategy,
                run.seed,
                summary["iteration"],
                *map(summary.get, _CSV_FIELDS),
            ]
            row += [(summary.get("clicks") or {}).get(name) for name in clicks]
            rows.append(row + [(summary.get("seconds") or {}).get(name) for name in stages])
    return to_csv(header, rows)


def class_csv(runs: Sequence[RunResults], names: Sequence[str]) -> bytes:
    """One line a finished iteration and class."""
    rows = [
        [label, run.seed, summary["iteration"], names[c] if c < len(names) else f"class {c}", value]
        for run, label in zip(runs, run_labels(runs), strict=True)
        for summary in run.summaries
        for c, value in enumerate(summary.get("class_iou") or [])
    ]
    return to_csv(["strategy", "seed", "iteration", "class", "iou"], rows)


def equal_cost_csv(tables: Mapping[str, EqualCost]) -> bytes:
    """One line a setting, strategy and cost of the shared range; mIoU in 0..1."""
    header = ["setting", "strategy", "cost_A", "miou", "mean_miou", "mean_miou_std", "baseline", "difference", "p"]
    rows = [
        [label, row.label, cost, miou, row.mean, row.std, row.baseline, row.against.mean, row.against.p]
        for label, table in tables.items()
        for row in table.rows
        for cost, miou in zip(table.costs, row.at, strict=True)
    ]
    return to_csv(header, rows)


def paired_csv(tables: Mapping[str, Sequence[PairRow]]) -> bytes:
    """One line a setting, measure and pair of strategies; difference is the first minus the second."""
    header = ["setting", "measure", "first", "second", "pairs", "difference", "p", "least_p"]
    rows = [
        [label, row.measure, row.first, row.second, *vars(row.test).values()]
        for label, found in tables.items()
        for row in found
    ]
    return to_csv(header, rows)


def clicks_csv(runs: Sequence[tuple[RunResults, ClickPairs]]) -> bytes:
    """One line a run and iteration, and one a run over all its iterations (iteration empty)."""
    header = ["strategy", "seed", "iteration", "boxes", "pearson", "spearman", "ratio"]
    rows: list[list[Any]] = []
    labels = run_labels([run for run, _ in runs])
    for (run, pairs), label in zip(runs, labels, strict=True):
        rows += [[label, run.seed, *row.values()] for row in agreement_rows(pairs)]
        if len(pairs.true):
            rows.append([label, run.seed, None, *vars(agreement(pairs.estimated, pairs.true)).values()])
    return to_csv(header, rows)

"""The numbers of a report as rows: printed, and as CSV files."""

import csv
import io
from collections.abc import Sequence
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table

from raymeta.experiment.cost_at_target import CostAtTarget
from raymeta.experiment.figures import COST_NAMES
from raymeta.experiment.run_results import RunResults, load_run

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
    """One row a finished iteration, with the keys of COLUMNS; mIoU and R² in 0..1, costs in percent.

    Raises:
        RunError: one of the locations holds no run.
    """
    rows = []
    for run in map(load_run, run_locations):
        for summary in run.summaries:
            values = (run.strategy, run.seed, summary["iteration"], *(summary.get(name) for name in _FIELDS))
            rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def print_table(run_locations: Sequence[str], console: Console) -> None:
    """Print the summary table."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "strategy" else "right", no_wrap=True)
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
            row = [run.store.location, run.strategy, run.seed, summary["iteration"], *map(summary.get, _CSV_FIELDS)]
            row += [(summary.get("clicks") or {}).get(name) for name in clicks]
            rows.append(row + [(summary.get("seconds") or {}).get(name) for name in stages])
    return _to_csv(header, rows)


def class_csv(runs: Sequence[RunResults], names: Sequence[str]) -> bytes:
    """One line a finished iteration and class."""
    rows = [
        [run.strategy, run.seed, summary["iteration"], names[c] if c < len(names) else f"class {c}", value]
        for run in runs
        for summary in run.summaries
        for c, value in enumerate(summary.get("class_iou") or [])
    ]
    return _to_csv(["strategy", "seed", "iteration", "class", "iou"], rows)


def target_csv(at_target: dict[str, dict[str, CostAtTarget]]) -> bytes:
    """One line a strategy and cost."""
    header = ["strategy", "cost", "iteration", "value", "seed_mean", "seed_std", "seeds_reached", "seeds"]
    rows = [
        [label, COST_NAMES[cost], v.iteration, v.cost, v.seed_mean, v.seed_std, v.seeds_reached, v.seeds]
        for label, values in at_target.items()
        for cost, v in values.items()
    ]
    return _to_csv(header, rows)


def _to_csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return sink.getvalue().encode()

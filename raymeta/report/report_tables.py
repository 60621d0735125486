"""The numbers of a report as rows: printed, and as CSV files."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console

from raymeta.annotation.cost_models import COST_MODELS
from raymeta.locations import hide_secrets
from raymeta.report.click_agreement import ClickPairs, agreement, agreement_rows
from raymeta.report.csv_files import to_csv
from raymeta.report.figures import SHOWN_COSTS
from raymeta.report.paired_comparison import EqualCost, PairRow
from raymeta.report.run_results import RunResults, field_of, load_run, run_labels
from raymeta.runs.records import ClickSums, SummaryRecord
from raymeta.runs.run_folders import expand_runs
from raymeta.text_tables import show_table, text_table

TEST_MIOU: Final = "test mIoU"
ASKED_COLUMN: Final = "boxes"
"""Tables for people name what was asked in its place: see `asked_heading`."""
_FIELDS: Final = {
    "mIoU": "miou",
    TEST_MIOU: "test_miou",
    **{model.label: model.name for model in SHOWN_COSTS},
    ASKED_COLUMN: "boxes",
    "R²": "r2",
}
"""Columns of the table of iterations after those that name the row, and the fields that they show."""
COLUMNS: Final = ("strategy", "seed", "iteration", *_FIELDS)
_CSV_FIELDS: Final = (
    *_FIELDS.values(),
    "query_boxes",
    "labelled_share",
    *(f"{model.name}_without_meta" for model in SHOWN_COSTS),
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
            values = (field_of(summary, field) for field in _FIELDS.values())
            rows.append(dict(zip(COLUMNS, (label, run.seed, summary.iteration, *values), strict=True)))
    return rows


def print_table(run_locations: Sequence[str], console: Console) -> None:
    """Print the summary table."""
    runs = [load_run(location) for location in expand_runs(run_locations)]
    table, rows = text_table(), summary_rows(runs)
    columns = shown_columns(rows)
    for name in columns:
        left = name == "strategy"  # it may be long, and the figures must stay whole
        heading = asked_heading(runs) if name == ASKED_COLUMN else name
        table.add_column(heading, justify="left" if left else "right", no_wrap=not left, overflow="fold")
    for row in rows:
        table.add_row(*(show(name, row[name]) for name in columns))
    show_table(console, table)


def asked_heading(runs: Sequence[RunResults]) -> str:
    """What the runs' queries ask for, as `superpixels`; `asked` where that differs."""
    kinds = {run.config.acquisition.asked for run in runs}
    return kinds.pop() if len(kinds) == 1 else "asked"


def shown_columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """COLUMNS, without the test split's where no row has a value for it."""
    return [name for name in COLUMNS if name != TEST_MIOU or any(row[name] is not None for row in rows)]


def show(name: str, value: Any) -> str:
    """A value as the tables show it: mIoU and costs in percent with two digits, R² with three."""
    if value is None:
        return "–"
    if name in ("mIoU", TEST_MIOU):
        return f"{100 * value:.2f}"
    if name == "R²":
        return f"{value:.3f}"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def summary_csv(runs: Sequence[RunResults]) -> bytes:
    """One line a finished iteration, one number a column: fields, intervals of estimated costs, clicks, seconds."""
    summaries = [summary for run in runs for summary in run.summaries]
    intervals = [f"{name}_{end}" for name in _estimated(summaries) for end in ("low", "high")]
    clicks = list(dict.fromkeys(key for summary in summaries for key in click_columns(summary)))
    stages = sorted({f"seconds_{stage}" for summary in summaries for stage in summary.seconds})
    header = ["run", "strategy", "seed", "iteration", *_CSV_FIELDS, *intervals, *clicks, *stages]
    rows = []
    for run in runs:
        for summary in run.summaries:
            seconds = {f"seconds_{stage}": value for stage, value in summary.seconds.items()}
            row = [hide_secrets(run.store.location), run.strategy, run.seed, summary.iteration]
            row += [field_of(summary, field) for field in (*_CSV_FIELDS, *intervals)]
            row += [click_columns(summary).get(column) for column in clicks]
            rows.append(row + [seconds.get(column) for column in stages])
    return to_csv(header, rows)


def click_columns(summary: SummaryRecord) -> dict[str, float]:
    """Raw counts by column, as `clicks_pool_polygon`: pool, initial (L0), meta (M) and query, each kind of event."""
    parts = [(part, getattr(summary.clicks, part)) for part in ClickSums.model_fields]
    return {f"clicks_{part}_{kind.rstrip('_')}": n for part, kinds in parts for kind, n in kinds.items()}


def _estimated(summaries: Sequence[SummaryRecord]) -> list[str]:
    """Names of the costs that are shares of an estimate in one of the summaries."""
    return [n for n in COST_MODELS if any(s.costs[n].low is not None for s in summaries if n in s.costs)]


def learning_curves_csv(runs: Sequence[RunResults]) -> bytes:
    """One line a run, iteration and epoch."""
    fields = ("epoch", "steps", "learning_rate", "train_loss", "validation_miou", "seconds")
    rows = [
        [label, run.seed, iteration, *(row.get(field) for field in fields)]
        for run, label in zip(runs, run_labels(runs), strict=True)
        for iteration, table in sorted(run.learning_curves.items())
        for row in table.to_pylist()
    ]
    return to_csv(["strategy", "seed", "iteration", *fields], rows)


def class_csv(runs: Sequence[RunResults], names: Mapping[str, Sequence[str]]) -> bytes:
    """One line a finished iteration and class. names: of the classes, by the location of the run."""
    rows = [
        [label, run.seed, summary.iteration, _class_name(names.get(run.store.location, ()), c), value]
        for run, label in zip(runs, run_labels(runs), strict=True)
        for summary in run.summaries
        for c, value in enumerate(summary.class_iou)
    ]
    return to_csv(["strategy", "seed", "iteration", "class", "iou"], rows)


def _class_name(names: Sequence[str], index: int) -> str:
    return names[index] if index < len(names) else f"class {index}"


def equal_cost_csv(tables: Mapping[str, EqualCost]) -> bytes:
    """One line a setting, strategy and cost of the shared range; mIoU in 0..1."""
    header = [
        "setting",
        "strategy",
        "cost_A",
        "miou",
        "mean_miou",
        "mean_miou_std",
        "baseline",
        "difference",
        "p",
        "p_holm",
    ]
    rows = [
        [label, row.label, cost, miou, row.mean, row.std, row.baseline, row.against.mean, row.against.p, row.p_holm]
        for label, table in tables.items()
        for row in table.rows
        for cost, miou in zip(table.costs, row.at, strict=True)
    ]
    return to_csv(header, rows)


def paired_csv(tables: Mapping[str, Sequence[PairRow]]) -> bytes:
    """One line a setting, measure and pair of strategies; difference is the first minus the second."""
    header = ["setting", "measure", "first", "second", "pairs", "difference", "p", "least_p", "p_holm"]
    rows = [
        [label, row.measure, row.first, row.second, *vars(row.test).values(), row.p_holm]
        for label, found in tables.items()
        for row in found
    ]
    return to_csv(header, rows)


def clicks_csv(runs: Sequence[tuple[RunResults, ClickPairs]]) -> bytes:
    """One line a run and iteration, and one a run over all its iterations (iteration empty)."""
    header = ["strategy", "seed", "iteration", "boxes", "pearson", "spearman", "ratio", "zero_share", "true_at_zero"]
    rows: list[list[Any]] = []
    labels = run_labels([run for run, _ in runs])
    for (run, pairs), label in zip(runs, labels, strict=True):
        rows += [[label, run.seed, *row.values()] for row in agreement_rows(pairs)]
        if len(pairs.true):
            rows.append([label, run.seed, None, *vars(agreement(pairs.estimated, pairs.true)).values()])
    return to_csv(header, rows)

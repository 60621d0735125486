"""`raymeta report`: one table, one self-contained page, and the same as CSV, LaTeX and PNG files."""

import base64
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import jinja2
from matplotlib.figure import Figure

from raymeta import __version__
from raymeta.locations import below
from raymeta.report import class_figures, figures
from raymeta.report.click_agreement import ClickPairs, agreement, run_click_pairs
from raymeta.report.click_figures import click_scatter
from raymeta.report.comparison import Comparison, compare
from raymeta.report.cost_at_target import TARGET_SHARE
from raymeta.report.figure_style import to_png, to_svg
from raymeta.report.figures import SHOWN_COSTS
from raymeta.report.paired_comparison import equal_cost, paired_rows
from raymeta.report.report_panels import class_names, report_panels
from raymeta.report.report_tables import (
    COLUMNS,
    class_csv,
    clicks_csv,
    equal_cost_csv,
    paired_csv,
    print_table,
    show,
    summary_csv,
    summary_rows,
    summary_table,
)
from raymeta.report.result_table import result_rows, target_csv, target_latex
from raymeta.report.run_results import FULL_SET, RunResults, comparable_faults, load_run, run_labels
from raymeta.runs.run_folders import expand_runs
from raymeta.runs.run_store import RunError
from raymeta.runs.store_files import StoreFiles

__all__ = ["print_table", "summary_table", "write_report"]

SWEEP_PICTURE = "sweep.png"
Pairs = list[tuple[RunResults, ClickPairs]]


@dataclass(frozen=True)
class _Section:
    """What the page shows of one comparison; the keys of `figures` are those of `_figures`."""

    comparison: Comparison
    figures: dict[str, str]
    equal_cost: Any
    paired: Any
    results: Any
    clicks: list[tuple[str, Any]]


def write_report(
    run_locations: Sequence[str], out: str | os.PathLike[str] | None = None, *, dataset_root: str | None = None
) -> str:
    """Compare runs; gives the path of report.html.

    run_locations: run folders, or folders of runs (repetitions, a sweep, a study). out: without it the report goes to
    the folder `report` of the first of them. dataset_root: where the data set is now; None takes the configs'.

    Raises:
        RunError: no run at one of the locations, or `out` can't be written.
    """
    if not run_locations:
        raise RunError("no run given: name at least one run folder")
    runs = [load_run(location, dataset_root) for location in expand_runs(run_locations)]
    files_out = StoreFiles(below(run_locations[0], "report") if out is None else os.fspath(out))
    write = _writer(files_out)
    notes = [note for run in runs for note in run.notes] + comparable_faults(runs)
    comparisons, told = compare(runs)
    notes += told
    names, told = class_names(runs)
    notes += told
    pairs, told = _click_pairs(runs)
    notes += told
    sections = [_section(comparison, names, pairs, write) for comparison in comparisons]
    panels = report_panels([group for comparison in comparisons for group in comparison.groups], write)
    notes += panels.notes
    _write_tables(runs, comparisons, sections, pairs, names, write)
    page = _template().render(
        version=__version__,
        columns=COLUMNS,
        rows=[{name: show(name, row[name]) for name in COLUMNS} for row in summary_rows(runs)],
        details=_details(runs),
        sections=sections,
        learning_curves=_learning_curves(runs, write),
        target_share=TARGET_SHARE,
        cost_names={model.name: model.label for model in SHOWN_COSTS},
        panels=panels,
        sweep=_sweep_picture(files_out),
        notes=list(dict.fromkeys(notes)),
        runs=list(zip(runs, run_labels(runs), strict=True)),
    )
    return write("report.html", page.encode())


def _writer(store: StoreFiles) -> Callable[[str, bytes], str]:
    def write(name: str, data: bytes) -> str:
        store.write(name, data)
        return store.path(name)

    return write


def _sweep_picture(report: StoreFiles) -> str | None:
    """The picture that a sweep left in the folder of the report, in base64; None where there was no sweep."""
    png = report.read(SWEEP_PICTURE)
    return None if png is None else base64.b64encode(png).decode()


def _click_pairs(runs: Sequence[RunResults]) -> tuple[Pairs, list[str]]:
    found, notes = [], list[str]()
    for run in runs:
        if run.strategy != FULL_SET:
            pairs, told = run_click_pairs(run)
            found.append((run, pairs))
            notes += told
    return found, notes


def _section(
    comparison: Comparison, names: Sequence[str], pairs: Pairs, write: Callable[[str, bytes], str]
) -> _Section:
    """Draw and save the figures of one comparison, and form its tables."""
    by_group = {
        group.label: (group.strategy, ClickPairs.join([f for run, f in pairs if any(run is r for r in group.runs)]))
        for group in comparison.queried
    }
    by_group = {label: value for label, value in by_group.items() if len(value[1].true)}
    drawn = _figures(comparison, names)
    if by_group:
        drawn["clicks"] = click_scatter(by_group)
    shown = {}
    for name, figure in drawn.items():
        file = f"{name}_{comparison.key}" if comparison.key else name
        write(f"{file}.png", to_png(figure))
        shown[name] = to_svg(figure, file)
    return _Section(
        comparison,
        shown,
        equal_cost(comparison),
        paired_rows(comparison),
        result_rows(comparison),
        [(label, agreement(found.estimated, found.true)) for label, (_, found) in by_group.items()],
    )


def _figures(comparison: Comparison, names: Sequence[str]) -> dict[str, Figure]:
    """Figures by name: mIoU over both costs and iterations, each cost, R², classes."""
    groups, queried = comparison.groups, comparison.queried
    drawn: dict[str, Figure] = {}
    if queried:
        for over in ("cost_a", "cost_b", "iteration"):
            name = "miou_over_iterations" if over == "iteration" else f"miou_over_{over}"
            drawn[name] = figures.curves(queried, comparison.target, over=over)
        drawn |= {f"{cost.name}_over_iterations": figures.costs(queried, cost=cost) for cost in SHOWN_COSTS}
        drawn["class_iou_over_cost_a"] = class_figures.class_curves(queried, names)
    if any(summary.r2 is not None for group in queried for run in group.runs for summary in run.summaries):
        drawn["r2_over_iterations"] = figures.meta_regressor_r2(queried)
    drawn["class_iou"] = class_figures.class_iou(groups, names)
    return drawn


def _learning_curves(runs: Sequence[RunResults], write: Callable[[str, bytes], str]) -> list[tuple[str, str]]:
    """Caption and SVG of each run's training."""
    shown = []
    for number, (run, label) in enumerate(zip(runs, run_labels(runs), strict=True)):
        if run.summaries:
            name = f"learning_curves_{number:02d}_{run.strategy}_seed_{run.seed}"
            figure = figures.learning_curves(run)
            write(f"{name}.png", to_png(figure))
            shown.append((f"{label}, seed {run.seed}", to_svg(figure, name)))
    return shown


def _write_tables(
    runs: Sequence[RunResults],
    comparisons: Sequence[Comparison],
    sections: Sequence[_Section],
    pairs: Pairs,
    names: Sequence[str],
    write: Callable[[str, bytes], str],
) -> None:
    write("summary.csv", summary_csv(runs))
    write("class_iou.csv", class_csv(runs, names))
    write("cost_at_target.csv", target_csv(comparisons))
    write("table_1.tex", target_latex(comparisons))
    write("equal_cost.csv", equal_cost_csv({s.comparison.label: s.equal_cost for s in sections if s.equal_cost}))
    write("paired_tests.csv", paired_csv({s.comparison.label: s.paired for s in sections}))
    write("clicks.csv", clicks_csv(pairs))


def _details(runs: Sequence[RunResults]) -> list[dict[str, Any]]:
    """Per iteration: what is beside the main table."""
    labelled = zip(runs, run_labels(runs), strict=True)
    return [
        {**summary.model_dump(), "strategy": label, "seed": run.seed}
        for run, label in labelled
        for summary in run.summaries
    ]


def _template() -> jinja2.Template:
    source = files("raymeta.report").joinpath("report_template.html").read_text(encoding="utf-8")
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(source)

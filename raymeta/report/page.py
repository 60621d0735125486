"""`raymeta report`: one table, one self-contained page, and the same as CSV, LaTeX and PNG files."""

import base64
import itertools
import os
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import jinja2

from raymeta import __version__
from raymeta.locations import below, last_name, without_options
from raymeta.report.click_agreement import ClickPairs, run_click_pairs
from raymeta.report.comparison import Comparison, compare
from raymeta.report.cost_at_target import TARGET_SHARE
from raymeta.report.cost_calibration import calibration_csv
from raymeta.report.figures import SHOWN_COSTS
from raymeta.report.glossary import glossary
from raymeta.report.ledger_tables import ledger_csv, peoples_ledgers, tools_csv
from raymeta.report.report_freshness import PAGE, keep_key
from raymeta.report.report_panels import ReportPanels, page_picture, report_panels
from raymeta.report.report_tables import (
    ASKED_COLUMN,
    COLUMNS,
    asked_heading,
    class_csv,
    click_columns,
    clicks_csv,
    equal_cost_csv,
    learning_curves_csv,
    paired_csv,
    print_table,
    show,
    shown_columns,
    summary_csv,
    summary_rows,
    summary_table,
)
from raymeta.report.result_table import target_csv, target_latex
from raymeta.report.run_results import FULL_SET, RunResults, load_run, run_labels
from raymeta.report.sections import Section, WriteFile, make_section
from raymeta.runs.run_folders import expand_runs
from raymeta.runs.run_store import RunError
from raymeta.runs.store_files import StoreFiles

__all__ = ["print_table", "summary_table", "write_report"]

SWEEP_PICTURE = "sweep.png"


def write_report(
    run_locations: Sequence[str], out: str | os.PathLike[str] | None = None, *, dataset_root: str | None = None
) -> str:
    """Compare runs; gives the path of report.html.

    Args:
        run_locations: run folders, or folders of runs (repetitions, a sweep, a study).
        out: without it the report goes to the folder `report` of the first of them.
        dataset_root: where the data set is now; None takes each run's config.

    Raises:
        RunError: no run at one of the locations, or `out` can't be written.
    """
    if not run_locations:
        raise RunError("no run given: name at least one run folder")
    runs = [load_run(location, dataset_root) for location in expand_runs(run_locations)]
    files_out = StoreFiles(below(run_locations[0], "report") if out is None else os.fspath(out))

    def write(name: str, data: bytes) -> str:
        files_out.write(name, data)
        return files_out.path(name)

    comparisons, notes = compare(runs)
    pairs, click_notes = _click_pairs(runs)
    sections = [make_section(comparison, pairs, write) for comparison in comparisons]
    panels = report_panels([group for comparison in comparisons for group in comparison.groups], write)
    section_notes = [note for section in sections for note in section.notes]
    run_notes = [note for run in runs for note in run.notes]
    _write_tables(runs, comparisons, sections, pairs, write)
    ledgers, ledger_notes = peoples_ledgers(list(zip(runs, run_labels(runs), strict=True)))
    if ledgers:
        write("ledger.csv", ledger_csv(ledgers))
        write("tools.csv", tools_csv(ledgers))
    rows = summary_rows(runs)
    page = _template().render(
        title=report_title(run_locations),
        version=__version__,
        columns=shown_columns(rows),
        asked=asked_heading(runs),
        asked_column=ASKED_COLUMN,
        rows=[{name: show(name, row[name]) for name in COLUMNS} for row in rows],
        details=_details(runs),
        sections=sections,
        target_share=TARGET_SHARE,
        costs=SHOWN_COSTS,
        panels=panels,
        ledgers=ledgers,
        sweep=_sweep_picture(files_out),
        notes=list(dict.fromkeys([*notes, *run_notes, *click_notes, *ledger_notes, *section_notes])),
        omitted=_omitted(sections, panels),
        click_names=_click_names(runs),
        runs=list(zip(runs, run_labels(runs), strict=True)),
        glossary=glossary(SHOWN_COSTS),
    )
    path = write(PAGE, page.encode())
    if dataset_root is None:
        keep_key(files_out, run_locations, page.encode())
    return path


def report_title(locations: Sequence[str]) -> str:
    """What a report is about: the runs' folders, or the one that they share where their own names tell little."""
    names = list(dict.fromkeys(map(last_name, locations)))
    alike = len(names) < len(locations) or all(name.startswith("seed_") for name in names)
    parents = [without_options(location).rstrip("/").split("/")[:-1] for location in locations]
    shared = [
        parts[0] for parts in itertools.takewhile(lambda parts: len(set(parts)) == 1, zip(*parents, strict=False))
    ]
    if alike and len(locations) > 1 and shared and shared[-1]:
        return shared[-1]
    return ", ".join(names)


def _sweep_picture(report: StoreFiles) -> str | None:
    """The picture that a sweep left in the folder of the report, in base64; None where there was no sweep."""
    png = report.read(SWEEP_PICTURE)
    return None if png is None else base64.b64encode(page_picture(png)).decode()


def _click_pairs(runs: Sequence[RunResults]) -> tuple[dict[str, ClickPairs], list[str]]:
    """Estimated and true clicks by the location of the run."""
    found, notes = {}, list[str]()
    for run in runs:
        if run.strategy != FULL_SET:
            found[run.store.location], missing = run_click_pairs(run)
            notes += missing
    return found, notes


def _write_tables(
    runs: Sequence[RunResults],
    comparisons: Sequence[Comparison],
    sections: Sequence[Section],
    pairs: Mapping[str, ClickPairs],
    write: WriteFile,
) -> None:
    names = {run.store.location: s.names for s in sections for group in s.comparison.groups for run in group.runs}
    write("summary.csv", summary_csv(runs))
    write("class_iou.csv", class_csv(runs, names))
    write("learning_curves.csv", learning_curves_csv(runs))
    write("cost_at_target.csv", target_csv(comparisons))
    write("table_1.tex", target_latex(comparisons))
    write("equal_cost.csv", equal_cost_csv({s.comparison.label: s.equal_cost for s in sections if s.equal_cost}))
    write("paired_tests.csv", paired_csv({s.comparison.label: s.paired for s in sections}))
    write("cost_calibration.csv", calibration_csv(runs))
    write("clicks.csv", clicks_csv([(run, pairs[run.store.location]) for run in runs if run.store.location in pairs]))


def _details(runs: Sequence[RunResults]) -> list[dict[str, Any]]:
    """Per iteration: what is beside the main table."""
    labelled = zip(runs, run_labels(runs), strict=True)
    return [
        {
            "label": label,
            "seed": run.seed,
            "summary": summary,
            "costs": [summary.cost(model) for model in SHOWN_COSTS],
            "clicks": click_columns(summary),
        }
        for run, label in labelled
        for summary in run.summaries
    ]


def _click_names(runs: Sequence[RunResults]) -> list[str]:
    """Columns of raw counts, as words."""
    columns = dict.fromkeys(name for run in runs for summary in run.summaries for name in click_columns(summary))
    return [column.removeprefix("clicks_").replace("_", " ") for column in columns]


def _omitted(sections: Sequence[Section], panels: ReportPanels) -> list[tuple[str, str]]:
    """Parts that are left out, each with its reason, and with its setting where there are several."""
    left = []
    for section in sections:
        where = f" ({section.comparison.label})" if section.comparison.label else ""
        left += [(f"{name}{where}", reason) for name, reason in section.omitted]
    return left + [("What the strategy sees", note) for note in panels.notes]


def _template() -> jinja2.Template:
    source = files("raymeta.report").joinpath("report_template.html").read_text(encoding="utf-8")
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(source)

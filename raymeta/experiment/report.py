"""`raymeta report`: one table, one self-contained page, and the same as CSV and PNG files."""

import base64
import os
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import jinja2
from matplotlib.figure import Figure

from raymeta import __version__
from raymeta.experiment import figures
from raymeta.experiment.cost_at_target import TARGET_SHARE, CostAtTarget, cost_at_target
from raymeta.experiment.figures import COST_NAMES, Target
from raymeta.experiment.report_tables import (
    COLUMNS,
    class_csv,
    print_table,
    show,
    summary_csv,
    summary_table,
    target_csv,
)
from raymeta.experiment.run_results import FULL_SET, RunGroup, RunResults, comparable_faults, group_runs, load_run
from raymeta.experiment.run_store import RunError
from raymeta.experiment.store_files import StoreFiles

__all__ = ["print_table", "summary_table", "write_report"]

Writer = Callable[[str, bytes], str]


def write_report(run_locations: Sequence[str], out: str | os.PathLike[str] | None = None) -> str:
    """Compare runs; gives the path of report.html. Without `out` it goes to RUN/report of the first run.

    Raises:
        RunError: no run at one of the locations, or `out` can't be written.
    """
    if not run_locations:
        raise RunError("no run given: name at least one run folder")
    runs = [load_run(location) for location in run_locations]
    notes = [note for run in runs for note in run.notes] + comparable_faults(runs)
    write: Writer = runs[0].store.write_report if out is None else _writer(os.fspath(out))
    groups = group_runs(runs)
    target, told = _target(runs)
    notes += told
    at_target = _costs_at_target(groups, target)
    names, told = _class_names(runs)
    notes += told
    drawn = _figures(groups, target, names)
    for name, figure in drawn.items():
        write(f"{name}.png", figures.to_png(figure))
    panels, told = _panels(groups)
    notes += told
    write("summary.csv", summary_csv(runs))
    write("class_iou.csv", class_csv(runs, names))
    write("cost_at_target.csv", target_csv(at_target))
    page = _template().render(
        version=__version__,
        columns=COLUMNS,
        rows=[{name: show(name, row[name]) for name in COLUMNS} for row in summary_table(run_locations)],
        details=_details(runs),
        figures={name: figures.to_svg(figure, name) for name, figure in drawn.items()},
        target=target,
        target_share=TARGET_SHARE,
        at_target=at_target,
        cost_names=COST_NAMES,
        panels=panels,
        notes=list(dict.fromkeys(notes)),
        runs=runs,
    )
    return write("report.html", page.encode())


def _writer(out: str) -> Writer:
    store = StoreFiles(out)

    def write(name: str, data: bytes) -> str:
        store.write(name, data)
        return store.path(name)

    return write


def _target(runs: Sequence[RunResults]) -> tuple[Target | None, list[str]]:
    """The target from the full-set runs among `runs`, else from the run that a config names."""
    notes = []
    full = [run for run in runs if run.strategy == FULL_SET and run.summaries]
    named = next((run.config.report.full_set_run for run in runs if run.config.report.full_set_run), None)
    if not full and named is not None:
        try:
            found = load_run(named)
            full = [found] if found.summaries and found.strategy == FULL_SET else []
            notes = [] if full else [f"report.full_set_run {named} is no finished full_set run"]
            notes += comparable_faults([*runs, *full])
        except RunError as error:
            notes = [f"report.full_set_run: {error}"]
    scores = [run.values("miou")[-1] for run in full]
    if not scores:
        return None, [*notes, "no full_set run is among the runs, so there is no target: no cost at target is given"]
    miou = float(sum(scores) / len(scores))
    return Target(miou, TARGET_SHARE * miou), notes


def _costs_at_target(groups: Sequence[RunGroup], target: Target | None) -> dict[str, dict[str, CostAtTarget]]:
    """Cost at target by group label and cost name."""
    if target is None:
        return {}
    return {
        group.label: {
            cost: cost_at_target(
                [run.values(cost) for run in group.runs], [run.values("miou") for run in group.runs], target.miou
            )
            for cost in COST_NAMES
        }
        for group in groups
        if group.strategy != FULL_SET
    }


def _figures(groups: Sequence[RunGroup], target: Target | None, class_names: Sequence[str]) -> dict[str, Figure]:
    if not groups:
        return {}
    drawn = {}
    if any(group.strategy != FULL_SET for group in groups):
        drawn["miou_over_cost_a"] = figures.curves(groups, target, over="cost_a")
        drawn["miou_over_iterations"] = figures.curves(groups, target, over="iteration")
        drawn |= {f"{cost}_over_iterations": figures.costs(groups, cost=cost) for cost in COST_NAMES}
    drawn["class_iou"] = figures.class_iou(groups, class_names)
    for group in groups:
        for run in group.runs:
            name = "".join(c if c.isalnum() or c == "_" else "_" for c in group.label)
            drawn[f"learning_curves_{name}_seed_{run.seed}"] = figures.learning_curves(run)
    return drawn


def _class_names(runs: Sequence[RunResults]) -> tuple[tuple[str, ...], list[str]]:
    from raymeta.experiment.run_panels import open_existing  # loads torch: only for reports, not for tables

    config = runs[0].config
    try:
        return tuple(open_existing(config.dataset, config.seed).class_names), []
    except (ValueError, OSError) as error:
        return (), [str(error)]


def _panels(groups: Sequence[RunGroup]) -> tuple[list[dict[str, Any]], list[str]]:
    """Panels of the first run of each group, and what kept others from being drawn."""
    from raymeta.experiment.run_panels import last_queried, render_run_panels  # loads torch

    drawn, notes = [], []
    for group in groups:
        run = group.runs[0]
        try:
            index = last_queried(run.store)
            if index is None or group.strategy == FULL_SET:
                continue
            for panel in render_run_panels(run.store, index, run.config.report.panel_images):
                png = base64.b64encode(panel.png).decode()
                drawn.append({"label": group.label, "image_id": panel.image_id, "iteration": index, "png": png})
        except (ValueError, OSError) as error:
            notes.append(f"no panels of {group.label}: {error}")
    return drawn, notes


def _details(runs: Sequence[RunResults]) -> list[dict[str, Any]]:
    """Per iteration: what is beside the main table."""
    return [{"strategy": run.strategy, "seed": run.seed, **summary} for run in runs for summary in run.summaries]


def _template() -> jinja2.Template:
    source = files("raymeta.experiment").joinpath("report_template.html").read_text(encoding="utf-8")
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(source)

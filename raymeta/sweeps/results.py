"""What a sweep found: one row a trial, as table, CSV and heat map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console

from raymeta.report.comparison import find_target
from raymeta.report.cost_at_target import interpolated_cost
from raymeta.report.csv_files import to_csv
from raymeta.report.curve_statistics import Curve, mean_and_std, shared_range
from raymeta.report.figure_style import FOREGROUND, new_figure, style_axes
from raymeta.report.run_results import RunResults, load_run
from raymeta.runs.run_folders import is_run
from raymeta.runs.run_state import is_over, state_of
from raymeta.sweeps.plan import Trial, Value
from raymeta.text_tables import show_table, text_table

MEASURES: Final = {
    "cost_a_at_target": "cost_A at target [%]",
    "mean_miou": "mean mIoU at equal cost [%]",
    "final_miou": "mIoU of the last iteration [%]",
}
"""What trials are compared by, the first that all finished ones have; the first of them is better when it is less."""


@dataclass(frozen=True)
class TrialRow:
    """A trial in numbers, means over its runs; None where unknown. mIoU in 0..1, costs in percent.

    state: finished, stopped (asha ended it), unfinished, or not begun.
    """

    name: str
    values: Mapping[str, Value]
    state: str
    iterations: int
    final_miou: float | None
    final_cost_a: float | None
    mean_miou: float | None
    cost_a_at_target: float | None
    cost_a_std: float | None


def trial_rows(trials: Sequence[Trial], stopped: Sequence[str]) -> list[TrialRow]:
    """Rows in the order of the trials.

    mean_miou is over the range of cost_A that all finished trials cover; the target is that of the full-set run which
    the base config names. stopped: run folders that the scheduler ended.
    """
    runs = {trial.name: [load_run(run.run_dir) for run in trial.runs if is_run(run.run_dir)] for trial in trials}
    states = {trial.name: _state(trial, runs[trial.name], stopped) for trial in trials}
    finished = [run for name, found in runs.items() if states[name] == "finished" for run in found]
    span = shared_range([_curve(run) for run in finished])
    return [_row(trial, states[trial.name], runs[trial.name], span) for trial in trials]


def best_measure(rows: Sequence[TrialRow]) -> str:
    """The first of MEASURES that every finished trial has; without one, the last."""
    finished = [row for row in rows if row.state == "finished"]
    known = [name for name in MEASURES if finished and all(getattr(row, name) is not None for row in finished)]
    return (known or list(MEASURES))[0 if known else -1]


def print_trials(rows: Sequence[TrialRow], console: Console) -> None:
    """Print the rows."""
    table = text_table()
    for name in ("trial", "state", "iterations", "mIoU", "cost_A", "mean mIoU", "cost_A at target"):
        left = name in ("trial", "state")
        table.add_column(name, justify="left" if left else "right", no_wrap=left, overflow="fold")
    for row in rows:
        numbers = (_percent(row.final_miou), _show(row.final_cost_a), _percent(row.mean_miou))
        spread = "" if row.cost_a_std is None else f" ± {row.cost_a_std:.2f}"
        table.add_row(row.name, row.state, str(row.iterations), *numbers, _show(row.cost_a_at_target) + spread)
    show_table(console, table)


def trials_csv(rows: Sequence[TrialRow]) -> bytes:
    """One line a trial, its swept values first."""
    keys = list(rows[0].values) if rows else []
    numbers = [name for name in TrialRow.__dataclass_fields__ if name not in ("name", "values")]
    lines = [[row.name, *row.values.values(), *(getattr(row, name) for name in numbers)] for row in rows]
    return to_csv(["trial", *keys, *numbers], lines)


def heat_map(rows: Sequence[TrialRow], measure: str) -> Figure:
    """A cell for each pair of the first two swept values: the best of the finished trials there, – without one."""
    keys = list(rows[0].values)[:2]
    columns = sorted({row.values[keys[0]] for row in rows}, key=_order)
    lines: list[Value] = sorted({row.values[keys[1]] for row in rows}, key=_order) if len(keys) > 1 else [None]
    factor, better = (1.0, min) if measure == "cost_a_at_target" else (100.0, max)
    values = np.full((len(lines), len(columns)), np.nan)
    for row in rows:
        found = getattr(row, measure)
        if found is not None and row.state == "finished":
            place = lines.index(row.values[keys[1]]) if len(keys) > 1 else 0, columns.index(row.values[keys[0]])
            values[place] = factor * found if np.isnan(values[place]) else better(values[place], factor * found)
    figure = Figure(figsize=(1.6 + 0.95 * len(columns), 1.2 + 0.6 * len(lines)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    style_axes(axes, keys[0], keys[1] if len(keys) > 1 else "", grid=False)
    _draw_cells(axes, values, dark_is_good=better is min)
    axes.set_xticks(np.arange(len(columns)) + 0.5, [str(value) for value in columns], fontsize=8)
    axes.set_yticks(np.arange(len(lines)) + 0.5, ["" if v is None else str(v) for v in lines], fontsize=8)
    axes.set_title(MEASURES[measure], fontsize=9, color=FOREGROUND)
    return figure


def value_scatter(rows: Sequence[TrialRow], measure: str) -> Figure:
    """The measure over each swept number of a random search, for the first of them that is a number."""
    keys = [key for key in rows[0].values if all(_is_number(row.values[key]) for row in rows)]
    figure, axes = new_figure(keys[0] if keys else "trial", MEASURES[measure])
    factor = 1.0 if measure == "cost_a_at_target" else 100.0
    for number, row in enumerate(rows):
        found = getattr(row, measure)
        if found is not None:
            filled = "full" if row.state == "finished" else "none"
            x = row.values[keys[0]] if keys else number
            axes.plot([x], [factor * found], marker="o", color="#1f83c6", fillstyle=filled, linestyle="")
    return figure


def _draw_cells(axes: Any, values: Any, dark_is_good: bool) -> None:
    known = values[~np.isnan(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    axes.pcolormesh(values, cmap="cividis_r" if dark_is_good else "cividis", vmin=low, vmax=max(high, low + 1e-9))
    axes.invert_yaxis()
    axes.tick_params(length=0)
    for (line, column), value in np.ndenumerate(values):
        share = 0.0 if np.isnan(value) or high == low else (value - low) / (high - low)
        light = (1 - share if dark_is_good else share) > 0.5
        colour = FOREGROUND if np.isnan(value) else ("#000000" if light else "#ffffff")
        text = "–" if np.isnan(value) else f"{value:.2f}"
        axes.text(column + 0.5, line + 0.5, text, ha="center", va="center", fontsize=8, color=colour)


def _row(trial: Trial, state: str, runs: Sequence[RunResults], span: tuple[float, float] | None) -> TrialRow:
    done = [run for run in runs if run.summaries]
    target, _ = find_target(done) if done else (None, [])
    costs = (
        [] if target is None else [interpolated_cost(r.values("cost_a"), r.values("miou"), target.miou) for r in done]
    )
    reached = [cost for cost in costs if cost is not None]
    all_reached = bool(costs) and len(reached) == len(costs)
    at_target = mean_and_std(reached) if all_reached else (None, None)
    return TrialRow(
        name=trial.name,
        values=trial.values,
        state=state,
        iterations=min((len(run.summaries) for run in runs), default=0),
        final_miou=mean_and_std([run.values("miou")[-1] for run in done])[0],
        final_cost_a=mean_and_std([run.values("cost_a")[-1] for run in done])[0],
        mean_miou=None if span is None else mean_and_std([_curve(run).mean_miou(*span) for run in done])[0],
        cost_a_at_target=at_target[0],
        cost_a_std=at_target[1],
    )


def _state(trial: Trial, runs: Sequence[RunResults], stopped: Sequence[str]) -> str:
    if any(run.run_dir in stopped for run in trial.runs):
        return "stopped"
    if not runs:
        return "not begun"
    whole = len(runs) == len(trial.runs) and all(is_finished(run, trial.runs[0].iterations) for run in runs)
    return "finished" if whole else "unfinished"


def is_finished(run: RunResults, iterations: int) -> bool:
    """Whether nothing is left to do of so many iterations."""
    return is_over(state_of(run.strategy, iterations, [summary.query_boxes for summary in run.summaries]))


def _curve(run: RunResults) -> Curve:
    return Curve.of(run.values("cost_a"), run.values("miou"))


def _order(value: Any) -> tuple[bool, Any]:
    """Numbers by size, before words by letters."""
    return (False, value) if _is_number(value) else (True, str(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.2f}"


def _show(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"

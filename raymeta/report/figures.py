"""The report's curves: each function draws runs into a figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from raymeta.annotation.cost_models import COST_MODELS, PAPER_COSTS, CostModel
from raymeta.report.figure_style import FOREGROUND, add_legend, group_styles, new_figure, style_axes
from raymeta.report.run_results import FULL_SET, RunGroup, RunResults

SHOWN_COSTS: Final = tuple(COST_MODELS[name] for name in PAPER_COSTS)
"""The cost models that reports show, in this order."""


@dataclass(frozen=True)
class Target:
    """Full-set mIoU and the share of it that counts as reached, both in 0..1."""

    full_set_miou: float
    miou: float


def curves(groups: Sequence[RunGroup], target: Target | None, *, over: str) -> Figure:
    """Validation mIoU (percent) over `over`, a field of the summaries: seeds dotted, their mean solid."""
    figure, axes = new_figure(over, "validation mIoU [%]")
    for group, style in group_styles(groups):
        if group.strategy == FULL_SET:
            continue
        _draw_group(axes, group, over, "miou", 100.0, style)
    if target is not None:
        for value, text in ((target.full_set_miou, "full set"), (target.miou, "95 % of it")):
            axes.axhline(100 * value, color=FOREGROUND, linewidth=1, linestyle="--" if value == target.miou else ":")
            place = {"xy": (0, 100 * value), "xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
            below = {"xytext": (3, -3), "va": "top"} if value == target.miou else {"xytext": (3, 3), "va": "bottom"}
            axes.annotate(text, **place, **below, color=FOREGROUND, fontsize=8)
    axes.margins(y=0.1)
    axes.set_ylim(bottom=_sensible_bottom(*axes.get_ylim()))
    if over != "iteration":
        axes.set_xlim(0, 1.04 * axes.dataLim.x1)
    if over in COST_MODELS:
        axes.set_xlabel(cost_axis(COST_MODELS[over]))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    add_legend(axes)
    return figure


def _sensible_bottom(low: float, high: float) -> float:
    """0, unless the curves filled only the upper 60 % of the axis: a cut axis makes small differences look large."""
    return 0.0 if low < 0.4 * high else low


def has_values(group: RunGroup, field: str) -> bool:
    """Whether any iteration of a group has a number in a field."""
    return not np.isnan(group.mean(field)).all()


def cost_axis(model: CostModel) -> str:
    """How an axis of this cost is called."""
    return f"{model.label} [% of labelling the whole pool]"


def costs(groups: Sequence[RunGroup], *, cost: CostModel) -> Figure:
    """One cost (percent) over iterations; thin dashed without the meta set where that differs."""
    figure, axes = new_figure("iteration", f"{cost.label} [%]")
    for group, style in group_styles(groups):
        if group.strategy == FULL_SET:
            continue
        _draw_group(axes, group, "iteration", cost.name, 1.0, style)
        without = group.mean(f"{cost.name}_without_meta")
        if not np.allclose(without, group.mean(cost.name), equal_nan=True):
            axes.plot(group.mean("iteration"), without, color=style["color"], linewidth=1, linestyle="--")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(bottom=0)
    add_legend(axes)
    return figure


def meta_regressor_r2(groups: Sequence[RunGroup]) -> Figure:
    """R² of the meta regressor, out of fold, over iterations; only groups that have one."""
    figure, axes = new_figure("iteration", "R² of the meta regressor")
    for group, style in group_styles(groups):
        if has_values(group, "r2"):
            _draw_group(axes, group, "iteration", "r2", 1.0, style)
    low, high = axes.get_ylim()
    highest = max([high, *(float(np.nanmax(group.mean("r2"))) for group in groups if has_values(group, "r2"))])
    axes.set_ylim(max(-1.0, min(0.0, low)), max(1.03 * highest, 0.1))  # one failed fit would flatten all others
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    add_legend(axes)
    return figure


def learning_curves(run: RunResults) -> Figure:
    """Training loss and validation mIoU (percent) over epochs, one line an iteration, dark to light."""
    figure = Figure(figsize=(4.8, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True)
    shades = mpl.colormaps["plasma"](np.linspace(0.1, 0.85, max(1, len(run.learning_curves))))
    for shade, (index, table) in zip(shades, sorted(run.learning_curves.items()), strict=False):
        epochs = table["epoch"].to_numpy()
        marker = "o" if len(epochs) == 1 else None
        upper.plot(epochs, table["train_loss"].to_numpy(), color=shade, linewidth=1.3, marker=marker, label=f"{index}")
        lower.plot(epochs, 100 * table["validation_miou"].to_numpy(), color=shade, linewidth=1.3, marker=marker)
    for axes, name in ((upper, "training loss"), (lower, "validation mIoU [%]")):
        style_axes(axes, "epoch" if axes is lower else "", name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(run.learning_curves) <= 12:
        legend = upper.legend(
            title="iteration", fontsize=7, title_fontsize=7, frameon=False, labelcolor=FOREGROUND, ncols=2
        )
        legend.get_title().set_color(FOREGROUND)
    return figure


def _draw_group(axes: Any, group: RunGroup, x: str, y: str, factor: float, style: dict[str, Any]) -> None:
    if len(group.runs) > 1:
        for run in group.runs:
            axes.plot(
                run.values(x), factor * run.values(y), color=style["color"], linewidth=1, linestyle=":", alpha=0.8
            )
    seeds = f"{len(group.runs)} seeds" if len(group.runs) > 1 else "1 seed"
    line = {**style, "linewidth": 2} if len(group.runs) > 1 else {**style, "linewidth": 1}
    axes.plot(group.mean(x), factor * group.mean(y), label=f"{group.label} ({seeds})", markersize=5, **line)

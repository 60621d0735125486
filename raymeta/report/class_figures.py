"""The report's figures of single classes: a table of colours, and curves."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from raymeta.report.figure_style import FOREGROUND, group_styles, new_figure, style_axes
from raymeta.report.run_results import RunGroup

MIN_IOU: Final = 0.01
"""A class whose IoU never rises above this has no curve to show."""


def class_iou(groups: Sequence[RunGroup], class_names: Sequence[str]) -> Figure:
    """IoU (percent) of each class: last iteration of each group, or all iterations where there is one group."""
    if len(groups) == 1:
        tables = [run.class_iou() for run in groups[0].runs]
        values = _mean_over_seeds([table[: min(map(len, tables))] for table in tables]).T
        names = [f"{index:.0f}" for index in groups[0].mean("iteration")]
        x_label = f"iteration of {groups[0].label}"
    else:
        values = np.stack([_mean_over_seeds([run.class_iou()[-1] for run in group.runs]) for group in groups], axis=1)
        names, x_label = [group.label for group in groups], "last iteration"
    figure, axes = new_figure(x_label, "", height=1.4 + 0.27 * len(values), grid=False)
    axes.pcolormesh(100 * values, cmap="cividis", vmin=0, vmax=100, edgecolor="none")
    axes.invert_yaxis()
    turned = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if len(groups) > 1 else {}
    axes.set_xticks(np.arange(len(names)) + 0.5, names, fontsize=8, **turned)
    axes.set_yticks(np.arange(len(values)) + 0.5, [_class_name(class_names, i) for i in range(len(values))], fontsize=8)
    for (row, column), value in np.ndenumerate(values):
        text = "–" if np.isnan(value) else f"{100 * value:.0f}"
        colour = FOREGROUND if np.isnan(value) else ("#ffffff" if value < 0.5 else "#000000")
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=7, color=colour)
    axes.tick_params(length=0)
    return figure


def class_curves(groups: Sequence[RunGroup], class_names: Sequence[str]) -> Figure | None:
    """IoU (percent) of each class over cost_A, a small plot a class; means over the seeds.

    Classes that no run ever predicts are left out: flat lines at 0 tell nothing. None where none is left.
    """
    shown = [index for index in range(_classes(groups)) if _best_iou(groups, index) > MIN_IOU]
    if not shown:
        return None
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(9.6, 0.7 + 1.7 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    places = list(figure.subplots(rows, columns, squeeze=False, sharex=True).flat)
    for axes in places[len(shown) :]:
        axes.set_axis_off()
    for index, axes in zip(shown, places, strict=False):
        style_axes(axes, "", "")
        axes.tick_params(labelsize=7)
        axes.set_title(_class_name(class_names, index), fontsize=8, color=FOREGROUND, pad=3)
        for group, style in group_styles(groups):
            length = min(len(run.summaries) for run in group.runs)
            values = _mean_over_seeds([run.class_iou()[:length, index] for run in group.runs])
            axes.plot(group.mean("cost_a"), 100 * values, label=group.label, linewidth=1.4, markersize=2.5, **style)
        axes.set_ylim(0, 100)
    figure.supxlabel("cost_A [% of labelling the whole pool]", fontsize=9, color=FOREGROUND)
    handles, labels = places[0].get_legend_handles_labels()
    options = {"fontsize": 8, "frameon": False, "labelcolor": FOREGROUND}
    figure.legend(handles, labels, loc="outside upper center", ncols=min(4, len(labels)), **options)
    return figure


def dull_classes(groups: Sequence[RunGroup], class_names: Sequence[str]) -> list[str]:
    """Names of the classes that `class_curves` leaves out."""
    return [_class_name(class_names, i) for i in range(_classes(groups)) if not _best_iou(groups, i) > MIN_IOU]


def _classes(groups: Sequence[RunGroup]) -> int:
    return max((run.class_iou().shape[1] for group in groups for run in group.runs), default=0)


def _best_iou(groups: Sequence[RunGroup], index: int) -> float:
    """Best IoU (0..1) of a class in any run and iteration; 0 where it occurs nowhere."""
    found = [run.class_iou()[:, index] for group in groups for run in group.runs if run.class_iou().shape[1] > index]
    return float(max((np.nanmax(values) for values in found if not np.isnan(values).all()), default=0.0))


def _mean_over_seeds(values: Sequence[Any]) -> Any:
    """Mean that leaves out nan; nan where every seed has nan."""
    stacked = np.stack(values)
    known = ~np.isnan(stacked)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, stacked, 0).sum(axis=0) / np.maximum(count, 1), np.nan)


def _class_name(class_names: Sequence[str], index: int) -> str:
    return class_names[index] if index < len(class_names) else f"class {index}"

"""The report's curves: each function draws runs into a figure; saving them as PNG or as SVG that follows the page."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from raymeta.experiment.run_results import FULL_SET, RunGroup, RunResults

FOREGROUND: Final = "#1b2129"
GRID: Final = "#d5dae1"
COLOURS: Final = {
    "random_box": "#8a8f98",
    "entropy_box": "#e69f00",
    "entropy_box_plus": "#d55e00",
    "metabox": "#56b4e9",
    "metabox_plus": "#1f83c6",
    "entropy_box_plus_star": "#cc79a7",
    "metabox_plus_star": "#009e73",
    "full_set": "#b8a000",
}
"""Okabe and Ito's palette, told apart with any colour vision; one colour a strategy in every figure."""
MARKERS: Final = {
    "random_box": "o",
    "entropy_box": "s",
    "entropy_box_plus": "D",
    "metabox": "^",
    "metabox_plus": "v",
    "entropy_box_plus_star": "P",
    "metabox_plus_star": "X",
    "full_set": "*",
}
COST_NAMES: Final = {"cost_a": "cost_A", "cost_b": "cost_B", "cost_p": "cost_P"}


@dataclass(frozen=True)
class Target:
    """Full-set mIoU and the share of it that counts as reached, both in 0..1."""

    full_set_miou: float
    miou: float


def curves(groups: Sequence[RunGroup], target: Target | None, *, over: str) -> Figure:
    """Validation mIoU (percent) over `over`, a field of the summaries: seeds dotted, their mean solid."""
    figure, axes = _new_figure(COST_NAMES.get(over, over), "validation mIoU [%]")
    for group, style in _styles(groups):
        if group.strategy == FULL_SET:
            continue
        _draw_group(axes, group, over, "miou", 100.0, style)
    if target is not None:
        for value, text in ((target.full_set_miou, "full set"), (target.miou, "95 % of it")):
            axes.axhline(100 * value, color=FOREGROUND, linewidth=1, linestyle="--" if value == target.miou else ":")
            place = {"xy": (0, 100 * value), "xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
            axes.annotate(text, **place, xytext=(3, 3), color=FOREGROUND, fontsize=8)
        axes.margins(y=0.1)
    if over in COST_NAMES:
        axes.set_xlabel(f"{COST_NAMES[over]} [% of labelling the whole pool]")
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(axes)
    return figure


def costs(groups: Sequence[RunGroup], *, cost: str) -> Figure:
    """One cost (percent) over iterations; thin dashed without the meta set where that differs."""
    figure, axes = _new_figure("iteration", f"{COST_NAMES[cost]} [%]")
    for group, style in _styles(groups):
        if group.strategy == FULL_SET:
            continue
        _draw_group(axes, group, "iteration", cost, 1.0, style)
        without = group.mean(f"{cost}_without_meta")
        if not np.allclose(without, group.mean(cost), equal_nan=True):
            axes.plot(group.mean("iteration"), without, color=style["color"], linewidth=1, linestyle="--")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(bottom=0)
    _legend(axes)
    return figure


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
    figure, axes = _new_figure(x_label, "", height=1.4 + 0.27 * len(values), grid=False)
    axes.pcolormesh(100 * values, cmap="cividis", vmin=0, vmax=100, edgecolor="none")
    axes.invert_yaxis()
    axes.set_xticks(np.arange(len(names)) + 0.5, names, rotation=25 if len(groups) > 1 else 0, fontsize=8)
    axes.set_yticks(np.arange(len(values)) + 0.5, [_class_name(class_names, i) for i in range(len(values))], fontsize=8)
    for (row, column), value in np.ndenumerate(values):
        text = "–" if np.isnan(value) else f"{100 * value:.0f}"
        colour = FOREGROUND if np.isnan(value) else ("#ffffff" if value < 0.5 else "#000000")
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=7, color=colour)
    axes.tick_params(length=0)
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
        _style_axes(axes, "epoch" if axes is lower else "", name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(run.learning_curves) <= 12:
        legend = upper.legend(
            title="iteration", fontsize=7, title_fontsize=7, frameon=False, labelcolor=FOREGROUND, ncols=2
        )
        legend.get_title().set_color(FOREGROUND)
    return figure


def to_png(figure: Figure) -> bytes:
    """The figure as PNG on white, for papers and slides."""
    sink = io.BytesIO()
    figure.savefig(sink, format="png", dpi=160, facecolor="white", metadata={"Software": "raymeta"})
    return sink.getvalue()


def to_svg(figure: Figure, name: str) -> str:
    """The figure as an SVG element whose text and grid take the page's colours; `name` keeps ids apart on a page."""
    sink = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(sink, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = sink.getvalue()
    text = text[text.index("<svg") :].replace(FOREGROUND, "currentColor").replace(GRID, "var(--grid)")
    text = re.sub(r"font-family: [^;\"]+", "font-family: inherit", text)
    used = set(re.findall(r"#([^\")]+)", text))
    text = re.sub(r' id="([^"]+)"', lambda found: found[0] if found[1] in used else "", text)
    return text.replace("<svg", f'<svg role="img" aria-label="{name.replace("_", " ")}"', 1)


def _new_figure(x_label: str, y_label: str, height: float = 3.4, grid: bool = True) -> tuple[Figure, Any]:
    figure = Figure(figsize=(4.8, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    _style_axes(axes, x_label, y_label, grid)
    return figure, axes


def _style_axes(axes: Any, x_label: str, y_label: str, grid: bool = True) -> None:
    axes.set_xlabel(x_label, color=FOREGROUND)
    axes.set_ylabel(y_label, color=FOREGROUND)
    axes.tick_params(colors=FOREGROUND, labelsize=9)
    for side, spine in axes.spines.items():
        spine.set_visible(grid and side in ("left", "bottom"))
        spine.set_color(FOREGROUND)
    if grid:
        axes.grid(color=GRID, linewidth=0.7)
        axes.set_axisbelow(True)


def _styles(groups: Sequence[RunGroup]) -> list[tuple[RunGroup, dict[str, Any]]]:
    """One colour and marker a strategy; several groups of a strategy differ in their line."""
    lines, seen, result = ["-", "--", "-.", (0, (1, 1))], dict[str, int](), []
    for group in groups:
        count = seen[group.strategy] = seen.get(group.strategy, -1) + 1
        style = {"color": COLOURS.get(group.strategy, FOREGROUND), "marker": MARKERS.get(group.strategy, "o")}
        result.append((group, {**style, "linestyle": lines[count % len(lines)]}))
    return result


def _draw_group(axes: Any, group: RunGroup, x: str, y: str, factor: float, style: dict[str, Any]) -> None:
    if len(group.runs) > 1:
        for run in group.runs:
            axes.plot(
                run.values(x), factor * run.values(y), color=style["color"], linewidth=1, linestyle=":", alpha=0.8
            )
    axes.plot(group.mean(x), factor * group.mean(y), label=group.label, linewidth=2, markersize=5, **style)


def _legend(axes: Any) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=9, frameon=False, labelcolor=FOREGROUND)


def _mean_over_seeds(values: Sequence[Any]) -> Any:
    """Mean that leaves out nan; nan where every seed has nan."""
    stacked = np.stack(values)
    known = ~np.isnan(stacked)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, stacked, 0).sum(axis=0) / np.maximum(count, 1), np.nan)


def _class_name(class_names: Sequence[str], index: int) -> str:
    return class_names[index] if index < len(class_names) else f"class {index}"

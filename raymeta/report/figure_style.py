"""How every figure of a report looks: colours, axes, and saving as PNG or as SVG that follows the page."""

import io
import re
from collections.abc import Sequence
from typing import Any, Final

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from raymeta.report.run_results import RunGroup

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

MAX_INSIDE: Final = 4
"""Entries of a legend inside the axes."""


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


def new_figure(x_label: str, y_label: str, height: float = 3.4, grid: bool = True) -> tuple[Figure, Any]:
    figure = Figure(figsize=(4.8, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    style_axes(axes, x_label, y_label, grid)
    return figure, axes


def style_axes(axes: Any, x_label: str, y_label: str, grid: bool = True) -> None:
    axes.set_xlabel(x_label, color=FOREGROUND)
    axes.set_ylabel(y_label, color=FOREGROUND)
    axes.tick_params(colors=FOREGROUND, labelsize=9)
    for side, spine in axes.spines.items():
        spine.set_visible(grid and side in ("left", "bottom"))
        spine.set_color(FOREGROUND)
    if grid:
        axes.grid(color=GRID, linewidth=0.7)
        axes.set_axisbelow(True)


def group_styles(groups: Sequence[RunGroup]) -> list[tuple[RunGroup, dict[str, Any]]]:
    """One colour and marker a strategy; several groups of a strategy differ in their line."""
    lines, seen, result = ["-", "--", "-.", (0, (1, 1))], dict[str, int](), []
    for group in groups:
        count = seen[group.strategy] = seen.get(group.strategy, -1) + 1
        style = {"color": COLOURS.get(group.strategy, FOREGROUND), "marker": MARKERS.get(group.strategy, "o")}
        result.append((group, {**style, "linestyle": lines[count % len(lines)]}))
    return result


def add_legend(axes: Any) -> None:
    """Inside the axes, where it finds room; below them, in a figure that grows by it, where it would hide curves."""
    handles, labels = axes.get_legend_handles_labels()
    if 0 < len(labels) <= MAX_INSIDE:
        axes.legend(fontsize=9, frameon=False, labelcolor=FOREGROUND)
    elif labels:
        columns = 2 if max(map(len, labels)) <= 24 else 1
        axes.figure.set_figheight(axes.figure.get_figheight() + 0.2 * -(-len(labels) // columns))
        place = {"loc": "outside lower center", "ncols": columns}
        axes.figure.legend(handles, labels, fontsize=8, frameon=False, labelcolor=FOREGROUND, **place)

"""Scatter plots of estimated against true clicks, one a group."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from raymeta.report.click_agreement import ClickPairs, agreement
from raymeta.report.figure_style import COLOURS, FOREGROUND, style_axes

MAX_DOTS: Final = 1500
"""Dots of a plot: more of them would only make the page heavy."""


def click_scatter(pairs: Mapping[str, tuple[str, ClickPairs]]) -> Figure:
    """Estimated over true polygon clicks of the queried boxes; dotted where both are equal.

    pairs: by group label, its strategy and the boxes of all its runs. Counts are whole numbers, so dots are moved by up
    to 0.3 clicks to be seen; correlations are of all boxes, unmoved.
    """
    columns = min(3, len(pairs))
    rows = -(-len(pairs) // columns)
    figure = Figure(figsize=(0.6 + 3.0 * columns, 0.3 + 2.7 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    places = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in places[len(pairs) :]:
        axes.set_axis_off()
    rng = np.random.default_rng(0)
    for axes, (label, (strategy, boxes)) in zip(places, pairs.items(), strict=False):
        style_axes(axes, "true clicks", "estimated clicks")
        axes.tick_params(labelsize=7)
        _draw(axes, boxes, COLOURS.get(strategy, FOREGROUND), rng)
        found = agreement(boxes.estimated, boxes.true)
        skill = "" if found.pearson is None else f"\nr {found.pearson:.2f}, ρ {found.spearman:.2f}"
        axes.set_title(f"{label}{skill}, {found.boxes} boxes", fontsize=8, color=FOREGROUND, pad=4)
    return figure


def _draw(axes: Any, boxes: ClickPairs, colour: str, rng: np.random.Generator) -> None:
    chosen = np.arange(len(boxes.true))
    if len(chosen) > MAX_DOTS:
        chosen = rng.choice(chosen, MAX_DOTS, replace=False)
    shift = rng.uniform(-0.3, 0.3, (2, len(chosen)))
    x, y = boxes.true[chosen] + shift[0], boxes.estimated[chosen] + shift[1]
    axes.scatter(x, y, s=5, color=colour, alpha=0.35, linewidths=0, rasterized=True)
    most = float(max(1, *boxes.true, *boxes.estimated))
    axes.plot([0, most], [0, most], color=FOREGROUND, linewidth=1, linestyle=":")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True, nbins=5))

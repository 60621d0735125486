"""The panel of the paper's Figure 7: priority maps, what they are worth summed over boxes, and the boxes chosen."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from raymeta.acquisition.aggregated_maps import aggregate
from raymeta.acquisition.box_clicks import normalized_clicks
from raymeta.acquisition.strategies import strategy_of
from raymeta.config import AcquisitionConfig
from raymeta.report.figure_style import to_png
from raymeta.report.panels import TITLES, QueriedRegion, begin_axes, draw_map, draw_regions


def box_factors(
    maps: Mapping[str, NDArray[Any]],
    labelled: NDArray[np.bool_],
    acquisition: AcquisitionConfig,
    clicks_max: int | None,
) -> dict[str, NDArray[np.float64]]:
    """The factors of the joint score of every box, by priority, in the order in which the strategy multiplies them.

    maps: of `score_image`. labelled: (H, W) bool. Returns (H-b+1, W-b+1) float64 each; a priority whose map is missing
    is left out.
    """
    factors: dict[str, NDArray[np.float64]] = {}
    for name in strategy_of(acquisition).priorities:
        if name == "clicks" and acquisition.clicks_priority == "normalized" and "estimated_clicks" in maps:
            factors[name] = normalized_clicks(maps["estimated_clicks"], acquisition.box_width, clicks_max, labelled)
        elif name in maps:
            factors[name] = aggregate(maps[name], acquisition.box_width)
    return factors


def aggregation_panel(
    maps: Mapping[str, NDArray[Any]],
    factors: Mapping[str, NDArray[np.float64]],
    image: NDArray[np.uint8],
    regions: Sequence[QueriedRegion],
    tops: Mapping[str, float] | None = None,
    asked: str = "boxes",
) -> bytes:
    """PNG: a row for each factor with its priority map and its aggregated map, then the joint map and the query.

    maps: (H, W) by priority, and `joint` (H-b+1, W-b+1), whose cells lie at the centres of their boxes.
    image: (H, W, 3) uint8 RGB. regions: that were queried. tops: upper ends of the scales of factors and of `joint`,
    so that several panels share them. asked: what the regions are called.
    """
    tops = tops or {}
    height, width = image.shape[:2]
    rows = len(factors) + 1
    figure = Figure(figsize=(8.0, rows * (3.65 * height / width + 0.28)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, 2, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for (left, right), (name, factor) in zip(axes, factors.items(), strict=False):
        draw_map(begin_axes(left, TITLES[name], height, width), maps[name], name, height, width)
        title = f"{TITLES[name].removesuffix(' priority')}: aggregated over boxes"
        draw_map(begin_axes(right, title, height, width), factor, "aggregated", height, width, tops.get(name))
    left, right = axes[-1]
    draw_map(begin_axes(left, TITLES["joint"], height, width), maps["joint"], "joint", height, width, tops.get("joint"))
    draw_regions(begin_axes(right, f"chosen {asked}, with rank", height, width), image, regions)
    return to_png(figure)

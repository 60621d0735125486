"""The panel of the paper's Figure 4: what one image looks like to the acquisition strategy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch, Rectangle
from matplotlib.path import Path
from numpy.typing import NDArray

from raymeta.annotation.segment_answers import innermost_pixel
from raymeta.boxes import Box
from raymeta.exchange.outlines import mask_rings
from raymeta.report.figure_style import FOREGROUND, to_png

TITLES: Final = {
    "predicted_iou": "predicted IoU",
    "entropy": "entropy priority",
    "margin": "margin priority",
    "metaseg": "MetaSeg priority",
    "clicks": "click priority",
    "random": "random priority",
    "joint": "joint priority of boxes",
}
"""Maps in the order in which they are shown."""
UNIT_MAPS: Final = ("predicted_iou", "entropy", "margin", "metaseg", "clicks", "random")
BOX_COLOUR: Final = "#ff00c8"


@dataclass(frozen=True, eq=False)
class QueriedRegion:
    """What was asked of an image.

    rank: in the query, from 1. box: that was asked, or the tile of a part. mask: (b, b) bool, the part of the tile that
    was asked; None: all of the box.
    """

    rank: int
    box: Box
    mask: NDArray[np.bool_] | None = None


def panel(
    maps: Mapping[str, NDArray[Any] | None],
    image: NDArray[np.uint8],
    regions: Sequence[QueriedRegion],
    palette: NDArray[np.uint8],
    top: float | None = None,
    asked: str = "boxes",
) -> bytes:
    """Draw segmentation, priority maps and what was queried of one image as PNG.

    maps: `segmentation` (H, W) class ids; the others (H, W), or (H-b+1, W-b+1) where a cell stands for a box;
    those that are None or missing are left out. image: (H, W, 3) uint8 RGB. regions: that were queried.
    palette: (C, 3) uint8 RGB. top: upper end of the scale of joint scores, so that several panels share it.
    asked: what the regions are called.
    """
    height, width = image.shape[:2]
    drawn = [(name, title) for name, title in TITLES.items() if maps.get(name) is not None]
    has_segmentation = maps.get("segmentation") is not None
    count = has_segmentation + len(drawn) + 1
    columns = 2 if count <= 4 or width > 1.6 * height else 3
    rows = -(-count // columns)
    figure = Figure(figsize=(8.0, rows * ((8.0 / columns - 0.35) * height / width + 0.28)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis in axes:
        axis.set_axis_off()
    shown = iter(axes)
    if has_segmentation:
        labels = np.asarray(maps["segmentation"])
        axis = begin_axes(next(shown), "segmentation", height, width)
        axis.imshow(blend(image, labels, palette), extent=map_extent((height, width), height, width))
    for name, title in drawn:
        draw_map(begin_axes(next(shown), title, height, width), np.asarray(maps[name]), name, height, width, top)
    draw_regions(begin_axes(next(shown), f"queried {asked}, with rank", height, width), image, regions)
    return to_png(figure)


def blend(image: NDArray[np.uint8], labels: NDArray[Any], palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay class colours over an image.

    image: (H, W, 3) uint8 RGB. labels: (H, W) class ids; those outside the palette stay grey.
    palette: (C, 3) uint8 RGB.
    """
    colours = np.full((256, 3), 128, dtype=np.float64)
    colours[: len(palette)] = palette
    return (0.35 * image + 0.65 * colours[labels.astype(np.intp)]).astype(np.uint8)


def begin_axes(axis: Any, title: str, height: int, width: int) -> Any:
    """Axes in pixels of an image of that size."""
    axis.set_title(title, fontsize=8, color=FOREGROUND, pad=3)
    axis.set_xlim(0, width)
    axis.set_ylim(height, 0)
    axis.set_aspect("equal")
    return axis


def draw_map(axis: Any, values: NDArray[Any], name: str, height: int, width: int, top: float | None = None) -> None:
    """A map of pixels or of boxes with its colour bar; `name` is one of TITLES, or another for a scale from 0.

    top: upper end of the scale, for what has none of its own: the same for all pictures of a quantity.
    """
    unit = {"vmin": 0.0, "vmax": 1.0 if name in UNIT_MAPS else top}
    colours = "viridis" if name == "predicted_iou" else "magma"
    axis.add_patch(Rectangle((0, 0), width, height, facecolor="#e8eaee", zorder=0))
    drawn = axis.imshow(
        values, cmap=colours, extent=map_extent(values.shape, height, width), interpolation="nearest", zorder=1, **unit
    )
    axis.set_xlim(0, width)
    axis.set_ylim(height, 0)
    bar = axis.figure.colorbar(drawn, ax=axis, fraction=0.03, pad=0.015, aspect=14)
    bar.ax.tick_params(labelsize=6, colors=FOREGROUND, length=2)
    bar.outline.set_visible(False)


def draw_regions(axis: Any, image: NDArray[np.uint8], regions: Sequence[QueriedRegion]) -> None:
    """Boxes, or outlines of parts along the edges of pixels, with their ranks, over an (H, W, 3) uint8 RGB image."""
    height, width = image.shape[:2]
    axis.imshow(image, extent=map_extent((height, width), height, width))
    for region in regions:
        axis.add_patch(region_outline(region))
        background = {"facecolor": "#000000", "alpha": 0.45, "pad": 0.6, "linewidth": 0}
        words = {"fontsize": 5, "color": "white", "ha": "center", "va": "center", "bbox": background}
        axis.text(*_middle(region), str(region.rank), **words)


def region_outline(region: QueriedRegion) -> Patch:
    """The outline of what was asked, holes too, in pixels of the image."""
    box = region.box
    style: dict[str, Any] = {"fill": False, "edgecolor": BOX_COLOUR, "linewidth": 1.1}
    if region.mask is None:
        return Rectangle((box.left, box.top), box.width, box.width, **style)
    rings = mask_rings(region.mask, box.top, box.left)
    return PathPatch(Path.make_compound_path(*(Path(ring, closed=False) for ring in map(_closed, rings))), **style)


def _closed(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([ring, ring[:1]])


def _middle(region: QueriedRegion) -> tuple[float, float]:
    """x and y of where its rank stands: within the part."""
    box = region.box
    if region.mask is None:
        return box.left + box.width / 2, box.top + box.width / 2
    row, column = innermost_pixel(region.mask)
    return box.left + column + 0.5, box.top + row + 0.5


def map_extent(shape: tuple[int, ...], height: int, width: int) -> tuple[float, float, float, float]:
    """Place of a map in pixels; a box map lies at the centres of its boxes."""
    top, left = (height - shape[0]) / 2, (width - shape[1]) / 2
    return left, left + shape[1], top + shape[0], top

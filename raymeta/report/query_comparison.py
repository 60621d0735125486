"""Two queries of one pool side by side: what they share, and what they cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from raymeta.annotation.cost_models import COST_A
from raymeta.boxes import Box, unpack_mask
from raymeta.report.figure_style import FOREGROUND, to_png
from raymeta.schemas import ESTIMATED_CLICKS, IMAGE_ID, LEFT, SEGMENT, TOP, WIDTH

ORIGINAL_COLOUR: Final = "#ff8c00"
OTHER_COLOUR: Final = "#00e5ff"


@dataclass(frozen=True)
class QueryFigures:
    """One query in numbers: boxes or what else was asked, images with some, pixels of their union, and clicks.

    true_clicks: those of cost_A, of `answered` boxes: fewer than `boxes` where an annotation can't be read. pixels: of
    parts of tiles their own.
    """

    boxes: int
    images: int
    pixels: int
    estimated_clicks: int
    true_clicks: int
    answered: int


@dataclass(frozen=True)
class Overlap:
    """Pixels in both queries, as shares (0..1) of either and of their union, and boxes that are in both."""

    of_original: float | None
    of_other: float | None
    of_union: float | None
    equal_boxes: int


def query_figures(query: pa.Table, annotation: pa.Table) -> QueryFigures:
    """Numbers of a query (QUERY_SCHEMA) and its answers (ANNOTATION_SCHEMA)."""
    return QueryFigures(
        boxes=query.num_rows,
        images=len(query[IMAGE_ID].unique()),
        pixels=sum(int(mask.sum()) for mask in _masks(query, _extents([query])).values()),
        estimated_clicks=int(sum(query[ESTIMATED_CLICKS].to_pylist())),
        true_clicks=int(COST_A.box_costs(annotation).sum()),
        answered=annotation.num_rows,
    )


def query_overlap(original: pa.Table, other: pa.Table) -> Overlap:
    """What two queries of one pool have in common; None where a query is empty."""
    extents = _extents([original, other])
    first, second = _masks(original, extents), _masks(other, extents)
    both = sum(int((first[i] & second[i]).sum()) for i in first.keys() & second.keys())
    one, two = (sum(int(mask.sum()) for mask in masks.values()) for masks in (first, second))
    boxes = [set(zip(_rows(table), _parts(table), strict=True)) for table in (original, other)]
    return Overlap(
        of_original=both / one if one else None,
        of_other=both / two if two else None,
        of_union=both / (one + two - both) if one + two else None,
        equal_boxes=len(boxes[0] & boxes[1]),
    )


def comparison_picture(
    images: Sequence[tuple[str, NDArray[np.uint8]]], original: pa.Table, other: pa.Table, names: tuple[str, str]
) -> bytes:
    """PNG of images with the boxes of both queries, the original's orange and dashed, the other's blue.

    images: id and (H, W, 3) uint8 RGB of each.
    """
    height, width = images[0][1].shape[:2]
    figure = Figure(figsize=(8.0, len(images) * (8.0 * height / width + 0.3) + 0.4), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (image_id, image) in zip(figure.subplots(len(images), 1, squeeze=False).flat, images, strict=True):
        axes.imshow(image, extent=(0, width, height, 0))
        axes.set_axis_off()
        axes.set_title(image_id, fontsize=8, color=FOREGROUND)
        for table, colour, line in ((original, ORIGINAL_COLOUR, "--"), (other, OTHER_COLOUR, "-")):
            for found, top, left, side in _rows(table):
                if found == image_id:
                    patch = Rectangle((left, top), side, side, fill=False, edgecolor=colour, linestyle=line)
                    patch.set_linewidth(1.3)
                    axes.add_patch(patch)
    handles = [Rectangle((0, 0), 1, 1, fill=False, edgecolor=c) for c in (ORIGINAL_COLOUR, OTHER_COLOUR)]
    figure.legend(handles, names, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return to_png(figure)


def busiest_images(original: pa.Table, other: pa.Table, count: int) -> list[str]:
    """Images with the most boxes of both queries together."""
    boxes: dict[str, int] = {}
    for table in (original, other):
        for image_id in table[IMAGE_ID].to_pylist():
            boxes[image_id] = boxes.get(image_id, 0) + 1
    return sorted(boxes, key=lambda image_id: (-boxes[image_id], image_id.encode()))[:count]


def _rows(table: pa.Table) -> list[tuple[Any, ...]]:
    return list(zip(*(table[name].to_pylist() for name in (IMAGE_ID, TOP, LEFT, WIDTH)), strict=True))


def _extents(tables: Sequence[pa.Table]) -> dict[str, tuple[int, int]]:
    """Rows and columns of each image that hold all boxes: nobody needs the images for that."""
    extents: dict[str, tuple[int, int]] = {}
    for table in tables:
        for image_id, top, left, side in _rows(table):
            bottom, right = extents.get(image_id, (0, 0))
            extents[image_id] = (max(bottom, top + side), max(right, left + side))
    return extents


def _masks(table: pa.Table, extents: dict[str, tuple[int, int]]) -> dict[str, NDArray[np.bool_]]:
    masks = {image_id: np.zeros(extents[image_id], np.bool_) for image_id in table[IMAGE_ID].unique().to_pylist()}
    for (image_id, top, left, side), part in zip(_rows(table), _parts(table), strict=True):
        asked = True if part is None else unpack_mask(part, side)
        masks[image_id][Box(top, left, side).slices] |= asked
    return masks


def _parts(table: pa.Table) -> list[bytes | None]:
    """The packed mask of each part of a tile; None where all of a box is asked."""
    return table[SEGMENT].to_pylist() if SEGMENT in table.column_names else [None] * table.num_rows

"""Annotation costs in percent of the cost of the whole pool, from integer sums of clicks and pixels.

Definitions: docs/method.md#cost_a, docs/method.md#cost_b, docs/method.md#cost_p.

Sums are integers and add over shards; the ratios are formed last.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from raymeta.schemas import IMAGE_ID, WIDTH


@dataclass(frozen=True)
class Costs:
    """Percent of the whole pool: cost_A (Eq. 10), cost_B (Eq. 11), and cost_P, the share of the pixels asked for."""

    cost_a: float
    cost_b: float
    cost_p: float


@dataclass(frozen=True)
class ImageSums:
    """Sums over whole images as annotated: c_p polygon clicks, c_c class clicks, pixels."""

    polygon: int = 0
    class_: int = 0
    pixels: int = 0

    def __add__(self, other: "ImageSums") -> "ImageSums":
        return ImageSums(self.polygon + other.polygon, self.class_ + other.class_, self.pixels + other.pixels)

    @classmethod
    def from_table(cls, table: pa.Table, image_ids: Collection[str] | None = None) -> "ImageSums":
        """Sums of a table with WHOLE_IMAGE_CLICKS_SCHEMA, over the given images only, or over all of them.

        Images without a row, because they could not be read, count nothing.
        """
        if image_ids is not None:
            table = table.filter(pc.is_in(table[IMAGE_ID], value_set=pa.array(list(image_ids), pa.string())))
        return cls(
            polygon=_total(table, "polygon_clicks"),
            class_=_total(table, "class_clicks"),
            pixels=_total(table, "pixels"),
        )


@dataclass(frozen=True)
class QuerySums:
    """Sums over queried boxes: the clicks of each kind, and b² pixels a box, overlapping or not."""

    polygon: int = 0
    intersection: int = 0
    box: int = 0
    class_: int = 0
    pixels: int = 0
    boxes: int = 0

    def __add__(self, other: "QuerySums") -> "QuerySums":
        return QuerySums(
            self.polygon + other.polygon,
            self.intersection + other.intersection,
            self.box + other.box,
            self.class_ + other.class_,
            self.pixels + other.pixels,
            self.boxes + other.boxes,
        )

    @classmethod
    def from_table(cls, table: pa.Table) -> "QuerySums":
        """Sums of an annotation table (ANNOTATION_SCHEMA)."""
        widths = table[WIDTH].to_numpy().astype(np.int64)
        return cls(
            polygon=_total(table, "polygon_clicks"),
            intersection=_total(table, "intersection_clicks"),
            box=_total(table, "box_clicks"),
            class_=_total(table, "class_clicks"),
            pixels=int((widths * widths).sum()),
            boxes=table.num_rows,
        )


@dataclass(frozen=True)
class CostLedger:
    """Everything that the costs of one iteration are made of.

    pool: P. initial: L0. query: all boxes answered so far. meta: M, where the strategy uses it.

    Raises:
        ValueError: the pool has no clicks or no pixels, so that nothing can be a share of it.
    """

    pool: ImageSums
    initial: ImageSums
    query: QuerySums = QuerySums()
    meta: ImageSums = ImageSums()

    def __post_init__(self) -> None:
        if self.pool.polygon < 1 or self.pool.pixels < 1:
            raise ValueError(
                f"the pool has {self.pool.polygon} polygon clicks and {self.pool.pixels} pixels: costs are shares of "
                "them; check that its images have labels of evaluated classes"
            )

    def costs(self) -> Costs:
        """Costs as the paper reports them: M counts like L0 (docs/method.md#cost-of-the-meta-set)."""
        return costs(self.pool, self.initial + self.meta, self.query)

    def costs_without_meta(self) -> Costs:
        """Costs if M came for free."""
        return costs(self.pool, self.initial, self.query)

    def labelled_share(self, labelled_pixels: int) -> float:
        """Percent of the pool's pixels that are labelled (docs/method.md#labelled-share).

        labelled_pixels: pixels of L0 and of the union of all boxes (`LabelledRegions.labelled_pixels`).
        """
        return 100 * labelled_pixels / self.pool.pixels


def costs(pool: ImageSums, whole: ImageSums, query: QuerySums) -> Costs:
    """Costs of wholly labelled images and of queried boxes, in percent of the pool's."""
    clicks_a = whole.polygon + whole.class_ + query.polygon + query.intersection + query.class_
    clicks_b = whole.polygon + query.polygon + query.intersection + query.box
    return Costs(
        cost_a=100 * clicks_a / (pool.polygon + pool.class_),
        cost_b=100 * clicks_b / pool.polygon,
        cost_p=100 * (whole.pixels + query.pixels) / pool.pixels,
    )


def _total(table: pa.Table, name: str) -> int:
    return int(pc.sum(table[name]).as_py() or 0)

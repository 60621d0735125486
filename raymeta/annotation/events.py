"""The ledger of annotation: events by kind, counted for whole images and for boxes.

Sums add over shards (docs/method.md#raw-counts).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from raymeta.schemas import IMAGE_ID, SEGMENT, WIDTH

Prices = Mapping[str, float]
"""Price of one event, by kind (a field of `Events`); kinds that are not named cost nothing."""

EVENT_COLUMNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "polygon": "polygon_clicks",
        "intersection": "intersection_clicks",
        "box": "box_clicks",
        "class_": "class_clicks",
        "confirm": "confirm_clicks",
        "reclass": "reclass_clicks",
        "prompt": "prompt_clicks",
        "stroke": "stroke_clicks",
        "seconds": "active_seconds",
    }
)
"""Kinds of events and the table columns that count them.

polygon: a vertex. intersection: a crossing of the box's border. box: a corner of the box. class_: a class chosen.
confirm: a proposal accepted. reclass: a proposal given another class. prompt: the class of a point, whose
surroundings a tool completes.
stroke: one stroke of a brush. seconds: active time as measured, for people.
"""


@dataclass(frozen=True)
class Events:
    """Sums of events over whole images or over boxes, by kind; with pixels and boxes, they add over shards.

    pixels: of whole images, or what `asked_pixels` tells of boxes. boxes: 0 for whole images.
    """

    polygon: int = 0
    intersection: int = 0
    box: int = 0
    class_: int = 0
    confirm: int = 0
    reclass: int = 0
    prompt: int = 0
    stroke: int = 0
    seconds: float = 0
    pixels: int = 0
    boxes: int = 0

    def __add__(self, other: "Events") -> "Events":
        return Events(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Events)))

    @classmethod
    def of_images(cls, table: pa.Table, image_ids: Collection[str] | None = None) -> "Events":
        """Sums of a table of whole images.

        Args:
            table: WHOLE_IMAGE_CLICKS_SCHEMA, and further columns of EVENT_COLUMNS where there are some.
            image_ids: the images to sum; None sums all. Images without a row, because they could not be read, count
                nothing.
        """
        if image_ids is not None:
            table = table.filter(pc.is_in(table[IMAGE_ID], value_set=pa.array(list(image_ids), pa.string())))
        return cls(**_sums(table), pixels=_total(table, "pixels"))

    @classmethod
    def of_boxes(cls, table: pa.Table) -> "Events":
        """Sums of a table of boxes: ANNOTATION_SCHEMA, and further columns of EVENT_COLUMNS where there are some."""
        return cls(**_sums(table), pixels=int(asked_pixels(table).sum()), boxes=table.num_rows)

    @classmethod
    def from_record(cls, values: Mapping[str, float]) -> "Events":
        """Events as `to_record` wrote them; names that this version doesn't know are left out."""
        return cls(**{f.name: values[f.name] for f in fields(cls) if f.name in values})  # type: ignore[arg-type]

    def to_record(self, kinds: Collection[str]) -> dict[str, float]:
        """Plain numbers by kind: the given kinds, and those of which there are some."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name in kinds or getattr(self, f.name)}

    def priced(self, prices: Prices) -> float:
        """Sum of the events times their prices; whole where counts and prices are."""
        return sum(price * getattr(self, kind) for kind, price in prices.items())


NOTHING: Final = Events()
"""No event at all."""


def asked_pixels(table: pa.Table) -> NDArray[np.int64]:
    """(rows,) int64: pixels that each row asks for: b² of a box, whether boxes overlap or not, or those of its segment.

    Args:
        table: ANNOTATION_SCHEMA, and SEGMENT where segments were asked.
    """
    if SEGMENT in table.column_names:
        return np.array([int.from_bytes(mask).bit_count() for mask in table[SEGMENT].to_pylist()], np.int64)
    widths: NDArray[np.int64] = table[WIDTH].to_numpy().astype(np.int64)
    return widths * widths


def _sums(table: pa.Table) -> dict[str, Any]:
    """The columns of EVENT_COLUMNS that the table has, summed; seconds that nobody measured (null) count nothing."""
    return {kind: _total(table, column) for kind, column in EVENT_COLUMNS.items() if column in table.column_names}


def _total(table: pa.Table, name: str) -> Any:
    return pc.sum(table[name]).as_py() or 0

"""What an iteration tells of each image of the pool: the rows of images.parquet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import pyarrow as pa

from raymeta.schemas import POOL_IMAGE_SCHEMA


@dataclass(frozen=True)
class ImageRow:
    """One pool image in one iteration. error: why it could not be scored; then all numbers are None.

    A number is None too where the strategy needs no such number. seconds_…: that its decoding, its forward pass and the
    rest took.
    """

    image_id: str
    error: str | None = None
    segments: int | None = None
    mean_predicted_iou: float | None = None
    mean_entropy: float | None = None
    estimated_clicks: int | None = None
    unlabelled_pixels: int | None = None
    best_score: float | None = None
    candidates: int | None = None
    seconds_decode: float | None = None
    seconds_network: float | None = None
    seconds_score: float | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "ImageRow":
        """The row in what a scorer says of an image, which may hold more than is kept."""
        return cls(**{field.name: row[field.name] for field in fields(cls) if field.name in row})


def image_table(rows: Iterable[ImageRow]) -> pa.Table:
    """Rows as a table with POOL_IMAGE_SCHEMA."""
    return pa.Table.from_pylist([vars(row) for row in rows], schema=POOL_IMAGE_SCHEMA)

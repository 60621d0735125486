"""Keys of `acquisition.segments` and `acquisition.superpixels`: parts asked by one click, and what follows."""

from typing import Literal

from pydantic import Field

from raymeta.config.section import MAX_PIXELS, Section

MixedAnswer = Literal["skip", "point", "box"]


class SegmentsConfig(Section):
    """One-click parts of a tile, to confirm or to fix: of predicted segments, or superpixels."""

    min_pixels: int = Field(
        4, ge=1, le=MAX_PIXELS, description="smallest part that is asked: fewer pixels aren't worth a click"
    )
    purity: float = Field(
        0.95, gt=0.5, le=1, description="simulated annotator: share of a part that one class covers, else it is mixed"
    )
    mixed: MixedAnswer = Field(
        "point",
        description="a part of several classes: no labels; the class of its innermost pixel instead, for the same "
        "click, in a square of point_width; or outlines of all in its tile",
    )


class SuperpixelsConfig(Section):
    """Superpixels: parts of an image by its colours, whatever the network sees there (SLIC)."""

    width: int | None = Field(
        None,
        ge=2,
        le=MAX_PIXELS,
        description="side of a square as large as the mean superpixel; none: half of box_width",
    )
    compactness: float = Field(
        10.0, gt=0, le=1e6, description="what nearness counts beside colour: the higher, the more they are like squares"
    )

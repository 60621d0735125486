"""Keys of `acquisition.segments`: what of a prediction is asked by one click, and what follows from an answer."""

from typing import Literal

from pydantic import Field

from raymeta.config.section import MAX_PIXELS, Section

MixedAnswer = Literal["skip", "point", "box"]


class SegmentsConfig(Section):
    """One-click segments: the part of a predicted segment in a tile, to confirm or to fix."""

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

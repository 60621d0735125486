"""Keys of `oracle`: who answers."""

from typing import Literal

from pydantic import Field

from raymeta.config.section import Section

OracleKind = Literal["simulated", "people"]


class OracleConfig(Section):
    """Who answers a query, and when an answer counts."""

    kind: OracleKind = Field(
        "simulated", description="simulated: the data set's own labels answer at once; people: the run waits for them"
    )
    clicks: Literal["scene", "region"] = Field(
        "scene",
        description="simulated: a box's vertices are those of its whole image, or of its own labels, as people's are",
    )
    review: Literal["none", "always"] = Field("none", description="people: whether somebody must accept each answer")
    go_on_at: float = Field(
        1.0, gt=0, le=1, description="people: share of a set's tasks that must be answered; the rest is withdrawn"
    )
    max_uncovered: float = Field(
        0.02, ge=0, le=1, description="people: share of a region that may have no class in a finished answer"
    )
    double_share: float = Field(
        0.0,
        ge=0,
        le=1,
        description="people: share of each set's tasks that two people answer, to see how far they agree",
    )
    agree_at: float = Field(
        0.95,
        ge=0,
        le=1,
        description="people: share of the pixels in which two answers must agree; below it, a conflict",
    )
    agree_within: int = Field(
        2, ge=0, le=50, description="people: pixels by which outlines of two answers may differ and still agree"
    )

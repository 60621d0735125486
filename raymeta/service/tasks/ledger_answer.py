"""The ledger of a run as the service tells it."""

from dataclasses import asdict

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from raymeta.config import ExperimentConfig, UnitName
from raymeta.labels.double_answers import DoubleAnswers
from raymeta.labels.ledger import fit_prices, hours_left, tool_costs


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class ToolCostAnswer(_Answer):
    """What boxes cost in one tool; null where nobody knows."""

    tool: str
    boxes: int
    clicks: float | None = Field(description="of people a box, on average")
    model_clicks: float | None = Field(description="of the model, for the same boxes")
    seconds: float | None = Field(description="median a box")
    hours: float | None
    source: str | None = Field(description="where the seconds come from")


class DoubleAnswer(_Answer):
    """How far two people agree who answered the same tasks independently."""

    asked: int = Field(description="tasks that two people shall answer")
    answered: int = Field(description="that two have answered")
    agree: int = Field(description="of these, up to the place of outlines")
    equal: float | None = Field(description="share of equal pixels, of all that have a class in both answers")
    miou: float | None = Field(description="over the same pixels")
    within: float | None = Field(
        description="share of pixels with a class in either that agree up to oracle.agree_within"
    )


class LedgerAnswer(_Answer):
    """What labelling has cost, and what is still to be done."""

    unit: UnitName = Field(description="what a query asks for; all but boxes are counted as boxes here too")
    tools: list[ToolCostAnswer]
    hours: float | None = Field(description="of all answers whose time is known, whole images too")
    open_boxes: int
    open_images: int
    coming_boxes: int = Field(description="of queries that the run will still ask")
    hours_left: float | None = Field(description="null as long as nobody's time is known")
    double: DoubleAnswer | None = Field(description="null where no task is answered by two people")
    prices: dict[str, float] | None = Field(description="seconds of an event; null before 200 answers are known")


def told_ledger(table: pa.Table, config: ExperimentConfig, double: DoubleAnswers) -> LedgerAnswer:
    """Costs by tool, hours, and what is left.

    Args:
        table: LEDGER_SCHEMA.
        config: of the run.
        double: how far two people agree.
    """
    left = hours_left(table, config.iterations, config.acquisition.query_size)
    seconds = [value for value in table["seconds"].to_pylist() if value is not None]
    prices = fit_prices(table)
    return LedgerAnswer(
        unit=config.acquisition.unit,
        tools=[ToolCostAnswer(**asdict(cost)) for cost in tool_costs(table)],
        hours=sum(seconds) / 3600 if seconds else None,
        open_boxes=left.open_boxes,
        open_images=left.open_images,
        coming_boxes=left.coming_boxes,
        hours_left=left.hours,
        double=DoubleAnswer(**asdict(double)) if double.asked else None,
        prices=None if prices is None else prices.prices,
    )

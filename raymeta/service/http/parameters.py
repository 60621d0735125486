"""Query parameters: closed choices, bounded numbers; an unknown name is refused, as it would do nothing."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from raymeta.acquisition.strategies import STRATEGIES
from raymeta.config import ClicksPriority, StrategyName
from raymeta.config.presets import STRATEGY_NAMES
from raymeta.service.scoring.scoring_request import MapFormat, MapName, ScoringRequest, Work

PoolSort = Literal["score", "image_id", "entropy", "predicted_iou", "clicks"]
Order = Literal["asc", "desc"]
QueryFormat = Literal["json", "geojson", "csv"]
MAX_BOXES = 10_000


class IterationParameters(BaseModel):
    """Which iteration answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    iteration: int | None = Field(None, ge=0, le=999_999, description="an older finished iteration; none: the live one")


class ScoreParameters(IterationParameters):
    """How an image is scored."""

    strategy: StrategyName | None = Field(None, description="none: the run's")
    box_width: int | None = Field(None, ge=1, le=65_536, description="pixels; none: the run's")
    clicks_priority: ClicksPriority | None = Field(None, description="how clicks enter the score; none: the run's")

    def _asked(self, work: Work) -> ScoringRequest:
        return ScoringRequest(
            work,
            iteration=self.iteration,
            strategy=self.strategy,
            box_width=self.box_width,
            clicks_priority=self.clicks_priority,
        )


class MapParameters(ScoreParameters):
    """Which map, and in which format."""

    map: MapName = Field("joint", description="joint: a cell is the box with that top-left pixel, (H-b+1, W-b+1)")
    format: MapFormat = Field("png", description="png: 8-bit grey, or class colours; overlay: over the image")

    def asked(self) -> ScoringRequest:
        """What is asked of an image that isn't named yet."""
        return replace(self._asked("map"), map_name=self.map, map_format=self.format)


class BoxParameters(ScoreParameters):
    """How many boxes, or what else the run asks for."""

    k: int = Field(20, ge=1, le=MAX_BOXES, description="at most this many")

    def asked(self) -> ScoringRequest:
        """What is asked of an image that isn't named yet."""
        return replace(self._asked("boxes"), limit=self.k)


def _upload_strategies() -> list[str]:
    """Strategies that score an image alone; the others are refused with their reason."""
    return [name for name, strategy in STRATEGIES.items() if strategy.priorities and not strategy.true_clicks]


def _without_ground_truth(schema: dict[str, Any]) -> None:
    schema["anyOf"][0]["enum"] = _upload_strategies()


def _known_strategy(name: Any) -> Any:
    """A name that no strategy has is told those that an upload may ask for."""
    if name is not None and name not in STRATEGY_NAMES:
        expected = ", ".join(map(repr, _upload_strategies()))
        raise PydanticCustomError("literal_error", "must be {expected}", {"expected": expected})
    return name


UploadStrategy = Annotated[StrategyName | None, BeforeValidator(_known_strategy)]


_UPLOAD_STRATEGY: Any = Field(
    None, description="none: the run's; GET /v1/model tells which this run can", json_schema_extra=_without_ground_truth
)


class UploadMapParameters(MapParameters):
    """Which map of an uploaded image."""

    strategy: UploadStrategy = _UPLOAD_STRATEGY


class UploadBoxParameters(BoxParameters):
    """How many boxes of an uploaded image."""

    strategy: UploadStrategy = _UPLOAD_STRATEGY


class SegmentParameters(IterationParameters):
    """Which segments."""

    limit: int = Field(1000, ge=1, le=20_000, description="at most this many segments, the largest")
    min_size: int = Field(1, ge=1, le=2**31, description="pixels")


class PoolParameters(IterationParameters):
    """Which images of the pool, in which order."""

    sort: PoolSort = Field("score", description="images without that figure come last")
    order: Order = Field("desc", description="direction")
    limit: int = Field(60, ge=1, le=1000, description="at most this many images")
    offset: int = Field(0, ge=0, le=10**9, description="images to pass over")
    search: str = Field("", max_length=200, description="only ids that hold this text, in upper or lower case")


class ImageParameters(IterationParameters):
    """How large a picture."""

    max_side: int | None = Field(None, ge=16, le=2048, description="pixels; none: as the network sees it")


class QueryParameters(IterationParameters):
    """Which boxes of the query, and in which format."""

    image_id: str | None = Field(None, max_length=500, description="only boxes of this image")
    format: QueryFormat = Field("json", description="geojson: x to the right and y down, in pixels")

"""Bodies of JSON answers."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from raymeta.config import ClicksPriority, RunStrategyName, UnitName
from raymeta.runs.run_status import State as RunStateName
from raymeta.service.scoring.scoring_request import MapName

SplitName = Literal["initial", "meta", "pool"]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class ServedClass(_Answer):
    """One evaluated class."""

    id: int
    name: str
    color: str = Field(description="#rrggbb")


class ModelAnswer(_Answer):
    """What is served now: run, iteration, and what can be asked of it."""

    run: str = Field(description="name of the run folder")
    dataset: str
    iteration: int
    strategy: RunStrategyName
    strategies: list[str] = Field(description="usable for any image with this iteration")
    unit: UnitName = Field(
        description="what a query asks for: outlines in boxes, the class at their middles, or of "
        "parts of tiles: of predicted segments, or superpixels"
    )
    box_width: int = Field(description="pixels")
    query_size: int
    clicks_priority: ClicksPriority
    height: int = Field(description="pixels of a pool image")
    width: int = Field(description="pixels of a pool image")
    seed: int
    classes: list[ServedClass]
    maps: list[MapName]
    finished: bool = Field(description="all planned iterations are committed, or the pool is dry")
    planned_iterations: int
    raymeta: str = Field(description="version")


class ServedCost(_Answer):
    """One cost of an iteration under one cost model, in percent of labelling the whole pool."""

    name: str
    label: str
    unit: str = Field(description="what the model prices: clicks, pixels or seconds")
    definition: str
    value: float
    without_meta: float = Field(description="if the images of the meta set came for free")
    low: float | None = Field(None, description="of the 95 % interval, where the pool's total is an estimate")
    high: float | None = None


class IterationAnswer(_Answer):
    """One finished iteration; costs are those of the labels that it was trained on."""

    iteration: int
    miou: float = Field(description="0..1, on validation")
    test_miou: float | None = Field(None, description="0..1, on the test split, where there is one")
    class_iou: list[float | None]
    cost_a: float = Field(description="percent")
    cost_b: float = Field(description="percent")
    cost_p: float = Field(description="percent")
    costs: list[ServedCost] = Field(description="by every cost model, these three among them")
    labelled_share: float = Field(description="percent of the pool's pixels")
    boxes: int = Field(description="asked before")
    query_boxes: int
    r2: float | None
    epochs: int
    seconds: dict[str, float]


class IterationsAnswer(_Answer):
    """Progress of the run."""

    strategy: RunStrategyName
    seed: int
    planned: int
    iterations: list[IterationAnswer]
    full_set_miou: float | None


class PoolImage(_Answer):
    """One image of the pool; figures are null for images that aren't queried (L0 and M)."""

    image_id: str
    split: SplitName
    best_score: float | None = None
    mean_entropy: float | None = None
    mean_predicted_iou: float | None = None
    estimated_clicks: int | None = None
    unlabelled_pixels: int | None = None
    candidates: int | None = None
    query_boxes: int
    labelled_boxes: int
    error: str | None = None


class StatusAnswer(_Answer):
    """Where the run is, by its folder."""

    run: str = Field(description="name of the run folder")
    state: RunStateName = Field(
        description="running: a process works on it; stopped: none does, though nobody is waited for; "
        "finished: all iterations are done, or nothing is left to ask for"
    )
    stage: str | None = Field(description="the next one of the iteration; null where all is done")
    iteration: int = Field(description="finished ones")
    iterations: int = Field(description="planned")
    miou: float | None = Field(description="of the last finished iteration")
    seconds: dict[str, float] = Field(description="that each stage of the last finished iteration took")


class PoolAnswer(_Answer):
    """A page of the pool."""

    total: int = Field(description="images that match the search")
    images: list[PoolImage]


class LabelledRegion(_Answer):
    """A labelled box, and the iteration that asked for it."""

    top: int
    left: int
    width: int
    iteration: int


class QueriedBox(_Answer):
    """A box of an iteration's query."""

    top: int = Field(description="first row of the box, pixels of the image as the network sees it")
    left: int = Field(description="first column, pixels")
    width: int = Field(description="side of the box, pixels")
    rank: int
    score: float
    estimated_clicks: int


class PoolImageAnswer(_Answer):
    """One image of the pool, with its regions."""

    image_id: str
    split: SplitName
    height: int
    width: int
    wholly_labelled: bool
    labelled: list[LabelledRegion]
    query: list[QueriedBox]


class QueryRow(QueriedBox):
    """A box of the query, with its image and, where the run knows it, its place in the image's file."""

    image_id: str
    unlabelled_pixels: int
    image_file: str | None = Field(None, description="path of the image's file, from the data set's root on")
    image_height: int | None = Field(None, description="pixels of the file's image")
    image_width: int | None = Field(None, description="pixels of the file's image")
    file_top: int | None = Field(None, description="first row of the box, in pixels of the file's image")
    file_left: int | None = Field(None, description="first column, in pixels of the file's image")
    file_bottom: int | None = Field(None, description="row behind the last one, in pixels of the file's image")
    file_right: int | None = Field(None, description="column behind the last one, in pixels of the file's image")
    predicted_class: int | None = Field(None, description="of a one-click segment: the class that the network sees")


class QueryAnswer(_Answer):
    """Boxes of an iteration's query, best first."""

    iteration: int
    total: int
    boxes: list[QueryRow]


class BoxRow(_Answer):
    """A proposed box, point, or part of a tile; of a part also its class and outline."""

    rank: int
    top: int = Field(description="first row of the box, pixels of the image as sent or as the network sees it")
    left: int = Field(description="first column, pixels")
    width: int = Field(
        description="side of the box, of a part's tile or of the square around a point, pixels: rows top to top + "
        "width, the last left out"
    )
    score: float = Field(
        description="joint map at the top-left of the box; of a part the sum over its pixels: higher is asked first, "
        "within an iteration and strategy"
    )
    estimated_clicks: int = Field(description="polygon vertices expected in the box, or around the point; of a part 1")
    unlabelled_pixels: int = Field(description="pixels of the box, around the point, or of the part that count")
    predicted_class: int | None = Field(None, description="of a part: the class that the network sees")
    class_name: str | None = Field(None, description="its name")
    polygon: list[list[list[int]]] | None = Field(
        None, description="of a part: rings of [x, y] through the centres of its outermost pixels"
    )


class _Made(_Answer):
    """How an answer was made."""

    iteration: int
    strategy: RunStrategyName
    box_width: int
    clicks_priority: ClicksPriority | None = Field(description="null where clicks don't enter the score")
    height: int
    width: int


class BoxesAnswer(_Made):
    """The best boxes of one image, points or parts of tiles, none overlapping another."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "iteration": 3,
                    "strategy": "metabox_plus",
                    "box_width": 16,
                    "clicks_priority": "normalized",
                    "height": 96,
                    "width": 192,
                    "unit": "box",
                    "boxes": [
                        {
                            "rank": 1,
                            "top": 34,
                            "left": 60,
                            "width": 16,
                            "score": 179.5,
                            "estimated_clicks": 3,
                            "unlabelled_pixels": 256,
                        }
                    ],
                }
            ]
        },
    )

    unit: UnitName = Field(description="what is proposed: the run's unit; box where the request names a strategy")
    boxes: list[BoxRow]


class SegmentRow(_Answer):
    """A segment; every metric of the segment table is there beside these fields."""

    model_config = ConfigDict(frozen=True, extra="allow")

    segment_id: int
    class_id: int
    class_name: str
    predicted_iou: float | None
    size: int
    polygon: list[list[list[int]]] = Field(description="rings of [x, y]; the outer ring first")


class SegmentsAnswer(_Made):
    """Segments of one image."""

    total: int = Field(description="segments in the image, before limit and min_size")
    segments: list[SegmentRow]


class MapAnswer(_Made):
    """`format=json`: a map, row by row."""

    name: MapName
    map: list[list[float]]


class ReplicaAnswer(_Answer):
    """One scoring replica."""

    replica: str
    iteration: int | None
    refused: dict[int, str] = Field(description="why an iteration isn't served")


class ReadyAnswer(_Answer):
    """Whether images can be scored now."""

    ready: bool
    iteration: int | None
    replicas: list[ReplicaAnswer]


class HealthAnswer(_Answer):
    """The HTTP process lives."""

    status: Literal["ok"] = "ok"


class ErrorAnswer(_Answer):
    """Why a request can't be answered: names the value and the remedy."""

    detail: str

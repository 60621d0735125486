"""What a run tells of an iteration: the JSON files that the stages write, as typed and frozen records.

Reading is tolerant: a field that an earlier version didn't write has its default, one of a later version is kept.
"""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_serializer, model_validator

from raymeta.annotation.cost_models import COST_MODELS, PAPER_COSTS, CostModel
from raymeta.annotation.costs import Cost, CostLedger
from raymeta.annotation.events import Events
from raymeta.field_faults import field_faults
from raymeta.runs.iteration_folder import IterationFolder
from raymeta.runs.store_files import RunError

COST_FIELDS: Final = {"": "value", "_without_meta": "without_meta", "_low": "low", "_high": "high"}
"""How the keys of a cost in summary.json end, and the fields of `Cost` that they hold."""
_IMAGE_KINDS: Final = ("polygon", "class_", "pixels")
_BOX_KINDS: Final = ("polygon", "intersection", "box", "class_", "pixels", "boxes")


class Record(BaseModel):
    """One JSON file of an iteration folder; FILE is its name there."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    FILE: ClassVar[str]

    def write(self, folder: IterationFolder) -> None:
        """Write the file; it counts once its stage is committed."""
        folder.write_json(self.FILE, self.model_dump(mode="json"))

    @classmethod
    def read(cls, folder: IterationFolder) -> Self:
        """Read the committed file.

        Raises:
            RunError: not committed, missing, damaged, or it holds something else.
        """
        return cls.from_bytes(folder.read_bytes(cls.FILE), f"{folder.location}/{cls.FILE}")

    @classmethod
    def from_bytes(cls, data: bytes, source: str) -> Self:
        """The record in a file's content; `source` names it in errors.

        Raises:
            RunError: it holds something else.
        """
        try:
            return cls.model_validate(json.loads(data))
        except (ValidationError, ValueError, RecursionError) as error:
            raise RunError(f"{source} can't be read: {_first_line(error)}; resume the run to make it anew") from error


class EvaluationRecord(Record):
    """What training gave. confusion: (C, C) counts, rows target; class_iou: None for classes that occur nowhere.

    taken_over: whether another run of the study had trained this network already; None where runs share nothing.
    """

    FILE = "evaluation.json"

    miou: float
    class_iou: list[float | None]
    confusion: list[list[int]] = Field(default_factory=list)
    best_epoch: int | None = None
    epochs: int | None = None
    faults: dict[str, str] = Field(default_factory=dict)
    taken_over: bool | None = None


class CostAgreement(BaseModel):
    """How well predicted costs of boxes tell true ones, learned and estimated; None where nothing can be told.

    ratio: Σ predicted / Σ true; pearson, spearman: correlations.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    learned: dict[str, float | None] | None = None
    estimated: dict[str, float | None] | None = None


class CostFit(BaseModel):
    """What the cost regressor was fitted on, and how well it does, out of fold, on boxes that nobody selected."""

    model_config = ConfigDict(frozen=True, extra="allow")

    tiles: int
    answered_boxes: int
    unselected: CostAgreement


class FitRecord(Record):
    """The fits beside the network.

    r2: of the meta regressor, out of fold; None without one or where it can't be told. cost_regressor: None without.
    segments: that it was fitted on; answered_segments: those of answered boxes, where there is no meta set.
    """

    FILE = "fit.json"

    r2: float | None = None
    segments: int = 0
    answered_segments: int = 0
    cost_regressor: CostFit | None = None
    failed_images: dict[str, str] = Field(default_factory=dict)


class MatchedCost(BaseModel):
    """How a query was cut to the cost of another run's. reached: whether the candidates sufficed."""

    model_config = ConfigDict(frozen=True, extra="allow")

    run: str | None = None
    strategy: str
    clicks_wanted: int | None = None
    clicks_taken: int | None = None
    reached: bool


class BudgetCut(BaseModel):
    """How a query was cut to its budget, in clicks or seconds. reached: whether the candidates sufficed."""

    model_config = ConfigDict(frozen=True, extra="allow")

    unit: str
    wanted: float
    expected: float
    reached: bool


class ScoreRecord(Record):
    """How the pool was scored, and how the query was chosen.

    clicks_max, class_weights: None where the strategy needs none. matched: None without a reference. strata: boxes that
    were shared over the classes. budget: where the query was cut, None where its number of boxes alone counts.
    """

    FILE = "score.json"

    clicks_max: int | None = None
    strategy: str | None = None
    matched: MatchedCost | None = None
    class_weights: list[float] | None = None
    strata: dict[str, int] | None = None
    budget: BudgetCut | None = None


class OracleRecord(Record):
    """What the oracle could not answer, by image, and how well the costs of its boxes were predicted.

    origins: number of one-click segments by what was said of them (docs/method.md#one-click-segments).
    """

    FILE = "oracle.json"

    failed_images: dict[str, str] = Field(default_factory=dict)
    origins: dict[str, int] = Field(default_factory=dict)
    cost_agreement: CostAgreement | None = None


class HeldOutRecord(Record):
    """The iteration's network on the test split, by which nothing is chosen.

    miou, class_iou, confusion: as in EvaluationRecord; miou is None where no readable image holds a class.
    """

    FILE = "test.json"

    miou: float | None
    class_iou: list[float | None]
    confusion: list[list[int]]
    images: int
    seconds: float = 0.0
    failed_images: dict[str, str] = Field(default_factory=dict)


class ClickSums(BaseModel):
    """Events of the pool, of L0, of M and of all boxes that were answered before, by kind.

    validation, test: of the whole images that the network is judged by; they are in none of the costs.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    pool: dict[str, float] = Field(default_factory=dict)
    initial: dict[str, float] = Field(default_factory=dict)
    meta: dict[str, float] = Field(default_factory=dict)
    query: dict[str, float] = Field(default_factory=dict)
    validation: dict[str, float] = Field(default_factory=dict)
    test: dict[str, float] = Field(default_factory=dict)

    @field_validator("pool", "initial", "meta", "query", "validation", "test", mode="after")
    @classmethod
    def _whole_numbers_stay_whole(cls, values: dict[str, float]) -> dict[str, float]:
        return {kind: int(value) if value == int(value) else value for kind, value in values.items()}

    @model_serializer(mode="wrap")
    def _known_alone(self, handler: Any) -> dict[str, Any]:
        """Without validation and test where they weren't counted, as earlier versions wrote it."""
        values: dict[str, Any] = handler(self)
        return {part: kinds for part, kinds in values.items() if kinds or part not in ("validation", "test")}

    @classmethod
    def of(cls, ledger: CostLedger, validation: Events | None = None, test: Events | None = None) -> "ClickSums":
        """The sums of a ledger, as raw counts, and of the images that networks are judged by, where they are known."""
        return cls(
            validation={} if validation is None else validation.to_record(_IMAGE_KINDS),
            test={} if test is None else test.to_record(_IMAGE_KINDS),
            pool=ledger.total.to_record(_IMAGE_KINDS),
            initial=ledger.initial.to_record(_IMAGE_KINDS),
            meta=ledger.meta.to_record(_IMAGE_KINDS),
            query=ledger.query.to_record(_BOX_KINDS),
        )

    def ledger(self) -> CostLedger | None:
        """The ledger again, to be priced by any cost model; None where the counts were not kept."""
        if not self.pool.get("polygon") or not self.pool.get("pixels"):
            return None
        pool, initial, query, meta = map(Events.from_record, (self.pool, self.initial, self.query, self.meta))
        return CostLedger(pool, initial, query, meta)


class SummaryRecord(Record):
    """The numbers of one iteration; costs are those of the labels that it was trained on.

    Attributes:
        miou: on the validation images, 0..1; class_iou: None for classes that occur nowhere.
        test_miou, test_class_iou: on the test split, where there is one.
        costs: by the name of the cost model, in percent of the whole pool; in the file `cost_a`,
            `cost_a_without_meta` and, where the pool's total is an estimate, `cost_a_low` and `cost_a_high`.
        labelled_share: percent of the pool's pixels.
        boxes: answered before this iteration; query_boxes: asked by it.
        r2: of the meta regressor, out of fold.
        clicks: raw counts, so that costs can be computed otherwise.
        seconds: of each stage.
        failed_images: ids of images that could not be read.
    """

    FILE = "summary.json"

    iteration: int = 0
    strategy: str | None = None
    seed: int | None = None
    miou: float
    class_iou: list[float | None] = Field(default_factory=list)
    test_miou: float | None = None
    test_class_iou: list[float | None] = Field(default_factory=list)
    costs: dict[str, Cost] = Field(default_factory=dict)
    labelled_share: float | None = None
    boxes: int = 0
    query_boxes: int = 0
    r2: float | None = None
    epochs: int | None = None
    best_epoch: int | None = None
    clicks: ClickSums = Field(default_factory=ClickSums)
    seconds: dict[str, float] = Field(default_factory=dict)
    failed_images: list[str] = Field(default_factory=list)

    def cost(self, model: CostModel) -> Cost | None:
        """One cost in percent; what the file doesn't hold is priced from the raw counts, None without them."""
        if model.name in self.costs and model == COST_MODELS[model.name]:
            return self.costs[model.name]
        ledger = self.clicks.ledger()
        return None if ledger is None else ledger.cost(model)

    @field_validator("failed_images", mode="before")
    @classmethod
    def _image_ids(cls, value: Any) -> Any:
        return sorted(value) if isinstance(value, Mapping) else value

    @model_validator(mode="before")
    @classmethod
    def _gather_costs(cls, values: Any) -> Any:
        """Keys of the file to costs; `cost_a` without `cost_a_without_meta` is of a strategy without M."""
        if not isinstance(values, dict) or "costs" in values:
            return values
        names = [name for name in dict.fromkeys([*PAPER_COSTS, *COST_MODELS]) if values.get(name) is not None]
        costs = {}
        for name in names:
            found = {field: values.get(name + suffix) for suffix, field in COST_FIELDS.items()}
            costs[name] = found | {"without_meta": values.get(f"{name}_without_meta", values[name])}
        taken = {name + suffix for name in names for suffix in COST_FIELDS}
        return {key: value for key, value in values.items() if key not in taken} | {"costs": costs}

    @model_serializer(mode="wrap")
    def _spread_costs(self, handler: Any) -> dict[str, Any]:
        """The file: plain costs, then those without M, then intervals, where the costs stand."""
        plain: dict[str, Any] = {}
        for suffix, field in COST_FIELDS.items():
            found = {name + suffix: getattr(cost, field) for name, cost in self.costs.items()}
            plain |= {key: value for key, value in found.items() if value is not None}
        values: dict[str, Any] = {}
        for key, value in handler(self).items():
            values |= plain if key == "costs" else {key: value}
        return values


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return field_faults(error, "record")[0]
    return str(error).splitlines()[0] if str(error) else type(error).__name__

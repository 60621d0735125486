"""Keys of `acquisition` and `meta_regressor`."""

import re
from typing import Any, Literal

from pydantic import Field, model_validator

from raymeta.config.presets import (
    ASKED,
    BOX_WIDTHS,
    DEFAULT_STRATEGY,
    FILLED,
    POINT_STRATEGIES,
    PRESETS,
    SEGMENT_STRATEGIES,
    STRATEGY_NAMES,
    Asked,
    CostName,
    GainName,
    RunStrategyName,
    UnitName,
)
from raymeta.config.section import FILLED_IN, MAX_EPSILON, MAX_IMAGES, MAX_NUMBER, MAX_PIXELS, Location, Section
from raymeta.config.segments import SegmentsConfig, SuperpixelsConfig

ClicksPriority = Literal["paper", "normalized"]
FusionName = Literal["product", "weighted_sum", "ratio"]
PolicyName = Literal["top_scores", "matched_cost", "strata", "k_centre"]
InitialChoice = Literal["random", "k_means", "k_centre"]
MetaRegressorKind = Literal["catboost", "sklearn"]


class ClassWeightsConfig(Section):
    """How much a pixel's gain counts by the classes that it may have."""

    source: Literal["none", "predictions", "labels", "given"] = Field(
        "none",
        description="where shares f_c of classes come from, for weights (1/(1 + C·f_c))^p; given: `values`; "
        "where class_weights is left out, the strategy's: predictions with power 1 for points, segments, superpixels",
    )
    power: float = Field(2.0, gt=0, le=100, description="p")
    values: dict[int, float] = Field(default_factory=dict, description="given: weight by class id; others weigh 1")

    @model_validator(mode="after")
    def _values_where_they_are_read(self) -> "ClassWeightsConfig":
        if bool(self.values) != (self.source == "given"):
            raise ValueError(f"source {self.source} and values {self.values}: give values with source given alone")
        wrong = {key: value for key, value in self.values.items() if not 0 <= key < 255 or not 0 <= value <= 1e6}
        if wrong:
            raise ValueError(f"values {wrong}: give class ids from 0 to 254 and weights from 0 to 1000000")
        if self.values and max(self.values.values()) == 0 and len(self.values) > 254:
            raise ValueError("values are all 0: nothing would ever be asked for")
        return self


class PolicyConfig(Section):
    """How the query is chosen among the candidates of the whole pool."""

    name: PolicyName = Field("top_scores", description="query policy; match_cost_of takes matched_cost")
    share: float = Field(0.66, ge=0, le=1, description="strata: part of a query that is shared over the classes")
    over_ask: int = Field(8, ge=1, le=1000, description="candidates a box of the query, where a policy leaves some out")
    max_per_image: int | None = Field(None, ge=1, le=MAX_NUMBER, description="boxes of one image in a query, at most")
    max_per_clip: int | None = Field(None, ge=1, le=MAX_NUMBER, description="boxes of one clip in a query, at most")
    clip_pattern: str = Field(
        "^(.*?)[_-]?\\d+$",
        min_length=1,
        description="regular expression whose first group, in an image id, is its clip",
    )

    @model_validator(mode="after")
    def _pattern_has_a_group(self) -> "PolicyConfig":
        try:
            groups = re.compile(self.clip_pattern).groups
        except re.error as error:
            raise ValueError(f"clip_pattern {self.clip_pattern!r} isn't a regular expression: {error}") from error
        if groups < 1:
            raise ValueError(f"clip_pattern {self.clip_pattern!r} has no group: put brackets around a clip's name")
        return self


class NoiseConfig(Section):
    """Gumbel noise on log scores: score · (-ln u)^(-1/β), u keyed by seed, iteration, image id, top and left."""

    beta_start: float | None = Field(None, gt=0, le=1e9, description="β of the first iteration; none: no noise")
    beta_end: float | None = Field(
        None, gt=0, le=1e9, description="β of the last one, geometric between; none: the same"
    )

    @model_validator(mode="after")
    def _an_end_has_a_start(self) -> "NoiseConfig":
        if self.beta_end is not None and self.beta_start is None:
            raise ValueError(f"beta_end {self.beta_end} without beta_start: give both")
        return self


class LearnedCostConfig(Section):
    """The gradient boosting that predicts what a box costs."""

    unit: Literal["clicks", "seconds"] = Field("clicks", description="clicks of cost_A, or seconds of cost_S")
    trees: int = Field(100, ge=1, le=10_000, description="number of trees")
    depth: int = Field(4, ge=1, le=16, description="depth of a tree")
    learning_rate: float = Field(0.1, gt=0, le=1, description="shrinkage")
    quantile: float | None = Field(
        None, gt=0, lt=1, description="predict this quantile of the cost; none: their mean (Poisson loss)"
    )


class AcquisitionConfig(Section):
    """Which boxes are asked for."""

    strategy: RunStrategyName = Field(
        "custom",
        description="a preset of gain, cost, unit and class weights; full_set trains the reference on everything; "
        "custom, also where gain is named without a strategy: what gain, cost and unit say",
        json_schema_extra={FILLED_IN: DEFAULT_STRATEGY},
    )
    gain: GainName | None = Field(None, description="what a box is worth; none: the strategy's")
    cost: CostName | None = Field(None, description="clicks that enter the score; none (YAML null): the strategy's")
    class_weights: ClassWeightsConfig = Field(default_factory=ClassWeightsConfig)
    unit: UnitName = Field(
        "box",
        json_schema_extra={FILLED_IN: PRESETS[DEFAULT_STRATEGY].unit},
        description="what is asked: outlines of all in a box; by one click the class at its middle, a point; or by one "
        "click the class of a part of a tile: of a predicted segment, or a superpixel; where it is left out, the "
        "strategy's",
    )
    box_width: int = Field(
        BOX_WIDTHS["box"],
        json_schema_extra={FILLED_IN: BOX_WIDTHS[PRESETS[DEFAULT_STRATEGY].unit]},
        ge=1,
        le=MAX_PIXELS,
        description="side of a box (pixels), or of the tile of a segment or superpixel; points lie so far apart; where "
        f"it is left out, {', '.join(f'{unit}: {width}' for unit, width in BOX_WIDTHS.items())}",
    )
    point_width: int = Field(
        3, ge=1, le=MAX_PIXELS, description="point: side of the square around it (pixels) that its class labels"
    )
    segments: SegmentsConfig = Field(default_factory=SegmentsConfig)
    superpixels: SuperpixelsConfig = Field(default_factory=SuperpixelsConfig)
    query_size: int = Field(
        6400, ge=1, le=MAX_NUMBER, description="boxes, points, segments or superpixels an iteration, at most"
    )
    query_clicks: float | None = Field(
        None, gt=0, le=1e12, description="expected clicks (cost_A) an iteration; none: query_size alone counts"
    )
    query_seconds: float | None = Field(None, gt=0, le=1e12, description="expected seconds (cost_S) an iteration")
    query_growth: float = Field(
        1.0, ge=0.1, le=10, description="query_clicks or query_seconds of an iteration by those of the one before"
    )
    random_iterations: int = Field(0, ge=0, le=MAX_NUMBER, description="first iterations that ask for random boxes")
    initial_images: int = Field(50, ge=1, le=MAX_IMAGES, description="wholly labelled images at the start (L0)")
    initial_choice: InitialChoice = Field(
        "random", description="how L0 is chosen; k_means, k_centre: so that it covers the pool, by network features"
    )
    meta_images: int = Field(
        30,
        ge=0,
        le=MAX_IMAGES,
        description="images that fit the meta regressor (M); 0: it is fitted on boxes that were answered anyway",
    )
    initial_list: Location | None = Field(
        None, min_length=1, description="text file of image ids, one a line: they are L0, whatever initial_images says"
    )
    meta_list: Location | None = Field(
        None, min_length=1, description="text file of image ids, one a line: they are M, whatever meta_images says"
    )
    clicks_priority: ClicksPriority = Field("normalized", description="how clicks enter a product or weighted sum")
    epsilon: float | None = Field(
        None, gt=0, le=MAX_EPSILON, description="RDP tolerance (pixels); none: max(1, 2.5·H/1024)"
    )
    clicks_sample_images: int = Field(32, ge=1, le=MAX_IMAGES, description="pool images that set clicks_max and f_c")
    fusion: FusionName = Field(
        "product", description="how gain and cost are joined; ratio: gain / (clicks + open_cost)"
    )
    gain_weight: float = Field(0.5, ge=0, le=1, description="weighted_sum: weight of the gain, the rest is the cost's")
    open_cost: float = Field(4.0, gt=0, le=1e9, description="ratio: clicks that any box costs, c0")
    learned_cost: LearnedCostConfig = Field(default_factory=LearnedCostConfig)
    policy: PolicyConfig = Field(default_factory=PolicyConfig)
    noise: NoiseConfig = Field(default_factory=NoiseConfig)
    match_cost_of: Location | None = Field(
        None, min_length=1, description="run folder: a query ends where its clicks reach those of that run's iteration"
    )
    match_cost: Literal["query", "total"] = Field(
        "query", description="clicks to match; total: those that that run spent on its meta set too"
    )

    @property
    def gain_name(self) -> GainName | None:
        """The gain that counts: its own, else the strategy's; None where nothing is asked for."""
        return self.gain or PRESETS[self.strategy].gain

    @property
    def cost_name(self) -> CostName:
        """The cost that counts: its own, else the strategy's."""
        return self.cost or PRESETS[self.strategy].cost

    @model_validator(mode="after")
    def _presets_fill_what_is_left_out(self) -> "AcquisitionConfig":
        # Past pydantic: what a preset fills doesn't count as set, and another strategy of a study starts without it.
        if self.gain is None and "strategy" not in self.model_fields_set:
            self.__dict__["strategy"] = DEFAULT_STRATEGY
        preset = PRESETS[self.strategy]
        if "unit" not in self.model_fields_set:
            self.__dict__["unit"] = preset.unit
        if "box_width" not in self.model_fields_set:
            self.__dict__["box_width"] = BOX_WIDTHS[self.unit]
        if preset.weighs_classes and "class_weights" not in self.model_fields_set:
            self.__dict__["class_weights"] = ClassWeightsConfig(source="predictions", power=1.0)
        return self

    @model_validator(mode="after")
    def _something_is_asked_for(self) -> "AcquisitionConfig":
        if self.strategy == "custom" and self.gain is None:
            names = ", ".join((*STRATEGY_NAMES, *POINT_STRATEGIES, *SEGMENT_STRATEGIES))
            raise ValueError(f"strategy custom without a gain: name one of {names}, or a gain")
        if self.strategy == "full_set" and (self.gain is not None or self.cost is not None):
            raise ValueError("strategy full_set asks for no boxes: leave out gain and cost, or name another strategy")
        return self

    @model_validator(mode="after")
    def _unit_fits(self) -> "AcquisitionConfig":
        if self.unit == "box":
            return self
        asked = self.unit
        if asked == "point" and self.point_width > self.box_width:
            raise ValueError(f"point_width {self.point_width} is above box_width {self.box_width}: choose at most that")
        if self.asks_parts and self.segments.min_pixels > self.box_width**2:
            raise ValueError(
                f"segments.min_pixels {self.segments.min_pixels} is more than a tile of box_width {self.box_width} "
                f"has: choose at most {self.box_width**2}"
            )
        if self.cost_name != "none":
            raise ValueError(
                f"cost {self.cost_name} with unit {asked}: every {asked} costs one click, so set cost: none"
            )
        if self.match_cost_of is not None:
            raise ValueError(f"match_cost_of with unit {asked}: it is answered by one click: give query_clicks instead")
        if self.gain_name == "metaseg" and not self.meta_images and self.meta_list is None:
            raise ValueError(f"meta_images 0 with unit {asked}: no IoU can be told from {asked}s; give at least 1")
        return self

    @model_validator(mode="after")
    def _cost_and_fusion_fit(self) -> "AcquisitionConfig":
        if self.fusion != "product" and self.cost_name == "none":
            raise ValueError(f"fusion {self.fusion} joins a gain with a cost: name a cost (estimated, learned or true)")
        if self.cost_name == "learned" and self.fusion != "ratio":
            raise ValueError(f"cost learned goes with fusion ratio, not with {self.fusion}: set fusion to ratio")
        return self

    @property
    def asked_width(self) -> int:
        """Side in pixels of the square that is handed out: the box, the tile, or the one around a box's middle."""
        return self.point_width if self.unit == "point" else self.box_width

    @property
    def asked(self) -> Asked:
        """What people are asked for, as words for them say it."""
        return ASKED[self.unit]

    @property
    def asks_parts(self) -> bool:
        """Whether a part of a tile is asked by one click: of a predicted segment, or a superpixel."""
        return self.unit in ("segment", "superpixel")

    @property
    def superpixel_width(self) -> int | None:
        """Side in pixels of a square as large as the mean superpixel; None where none are asked."""
        if self.unit != "superpixel":
            return None
        return self.superpixels.width or max(2, self.box_width // 2)

    @property
    def named_width(self) -> int | None:
        """Width of the square that the class of a mixed part's innermost pixel labels; None where it isn't asked."""
        return self.point_width if self.asks_parts and self.segments.mixed == "point" else None

    @property
    def segments_are_drawn(self) -> bool:
        """Whether a part that is mixed costs the outlines in its tile too."""
        return self.asks_parts and self.segments.mixed == "box"

    @property
    def has_budget(self) -> bool:
        """Whether clicks or seconds end a query; query_size then is a bound only."""
        return self.query_clicks is not None or self.query_seconds is not None

    @property
    def cost_unit(self) -> Literal["clicks", "seconds"]:
        """What a query's budget is in, and what the cost regressor predicts."""
        if not self.has_budget:
            return self.learned_cost.unit
        return "clicks" if self.query_seconds is None else "seconds"

    @model_validator(mode="after")
    def _one_budget_in_one_unit(self) -> "AcquisitionConfig":
        if self.query_clicks is not None and self.query_seconds is not None:
            raise ValueError(f"query_clicks {self.query_clicks:g} and query_seconds {self.query_seconds:g}: give one")
        if self.cost_name == "learned" and self.cost_unit != self.learned_cost.unit:
            raise ValueError(
                f"learned_cost.unit {self.learned_cost.unit} and a budget in {self.cost_unit}: set learned_cost.unit "
                f"to {self.cost_unit}"
            )
        if self.match_cost_of is not None and (self.query_clicks or self.query_seconds):
            raise ValueError("match_cost_of sets what a query costs: leave out query_clicks and query_seconds")
        return self

    @model_validator(mode="after")
    def _policy_fits(self) -> "AcquisitionConfig":
        if self.policy.name == "matched_cost" and self.match_cost_of is None:
            raise ValueError("policy.name matched_cost: name the run whose clicks to match in match_cost_of")
        if self.match_cost_of is not None and self.policy.name not in ("matched_cost", "top_scores"):
            raise ValueError(
                f"policy.name {self.policy.name} can't match the clicks of another run: leave out match_cost_of, or "
                "policy"
            )
        return self


def without_preset(values: dict[str, Any]) -> dict[str, Any]:
    """All values of a section but those that its strategy's name stands for: another name starts without them."""
    filled = AcquisitionConfig(strategy=values["strategy"], gain=values["gain"]).model_dump()
    return {key: value for key, value in values.items() if key not in FILLED or value != filled[key]}


class MetaRegressorConfig(Section):
    """The gradient boosting that predicts a segment's IoU."""

    kind: MetaRegressorKind = Field("catboost", description="library")
    trees: int = Field(100, ge=1, le=10_000, description="number of trees")
    depth: int = Field(4, ge=1, le=16, description="depth of a tree")
    learning_rate: float = Field(0.1, gt=0, le=1, description="shrinkage")

"""Keys of `acquisition` and `meta_regressor`."""

from typing import Literal, get_args

from pydantic import Field, model_validator

from raymeta.config.section import MAX_EPSILON, MAX_IMAGES, MAX_NUMBER, MAX_PIXELS, Location, Section

StrategyName = Literal[
    "random_box",
    "entropy_box",
    "entropy_box_plus",
    "metabox",
    "metabox_plus",
    "entropy_box_plus_star",
    "metabox_plus_star",
    "full_set",
]
STRATEGY_NAMES: tuple[str, ...] = get_args(StrategyName)
ClicksPriority = Literal["paper", "normalized"]
PolicyName = Literal["top_scores", "matched_cost"]
MetaRegressorKind = Literal["catboost", "sklearn"]


class PolicyConfig(Section):
    """How the query is chosen among the candidates of the whole pool."""

    name: PolicyName = Field("top_scores", description="query policy; match_cost_of takes matched_cost")


class AcquisitionConfig(Section):
    """Which boxes are asked for."""

    strategy: StrategyName = Field(description="acquisition strategy; full_set trains the reference on everything")
    box_width: int = Field(128, ge=1, le=MAX_PIXELS, description="side of a box (pixels)")
    query_size: int = Field(6400, ge=1, le=MAX_NUMBER, description="boxes an iteration")
    initial_images: int = Field(50, ge=1, le=MAX_IMAGES, description="wholly labelled images at the start (L0)")
    meta_images: int = Field(30, ge=0, le=MAX_IMAGES, description="images that fit the meta regressor (M)")
    clicks_priority: ClicksPriority = Field("normalized", description="how estimated clicks enter the joint score")
    epsilon: float | None = Field(
        None, gt=0, le=MAX_EPSILON, description="RDP tolerance (pixels); none: max(1, 2.5·H/1024)"
    )
    clicks_sample_images: int = Field(32, ge=1, le=MAX_IMAGES, description="pool images that set clicks_max")
    fusion: Literal["product"] = Field("product", description="how priorities are joined")
    policy: PolicyConfig = Field(default_factory=PolicyConfig)
    match_cost_of: Location | None = Field(
        None, min_length=1, description="run folder: a query ends where its clicks reach those of that run's iteration"
    )
    match_cost: Literal["query", "total"] = Field(
        "query", description="clicks to match; total: those that that run spent on its meta set too"
    )

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


class MetaRegressorConfig(Section):
    """The gradient boosting that predicts a segment's IoU."""

    kind: MetaRegressorKind = Field("catboost", description="library")
    trees: int = Field(100, ge=1, le=10_000, description="number of trees")
    depth: int = Field(4, ge=1, le=16, description="depth of a tree")
    learning_rate: float = Field(0.1, gt=0, le=1, description="shrinkage")

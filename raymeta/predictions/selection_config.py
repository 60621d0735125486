"""The config of `raymeta select`: where predictions lie, and what to choose by."""

from pathlib import Path

from pydantic import Field, ValidationError, field_validator, model_validator

from raymeta.acquisition.strategies import STRATEGIES, find_strategy
from raymeta.argument_checks import nearest
from raymeta.config import (
    MAX_EPSILON,
    MAX_IMAGES,
    MAX_NUMBER,
    MAX_PIXELS,
    MAX_PROCESSES,
    ClicksPriority,
    ConfigError,
    Location,
    MetaRegressorConfig,
    Section,
    absolute_paths,
    config_keys,
    faulty_config,
    load_values,
)
from raymeta.predictions.prediction_files import Content, Layout


class PredictionFormat(Section):
    """How predictions are stored."""

    content: Content = Field("softmax", description="softmax (floats, or uint8 as 255ths) or logits")
    layout: Layout = Field("CHW", description="order of the axes: classes first, or last")
    key: str | None = Field(None, description="name of the array in .npz, .safetensors or a dictionary of .pt")


class MetaSet(Section):
    """Labelled images that the network was not trained on: they teach which segments are bad."""

    predictions: Location = Field(min_length=1, description="folder of predictions")
    labels: Location = Field(min_length=1, description="folder of label PNGs: class indices, under the same names")
    void: list[int] = Field([255], description="values that are no class")


class PredictedPool(Section):
    """Images to choose boxes from."""

    predictions: Location = Field(min_length=1, description="folder of predictions")
    labelled_masks: Location | None = Field(None, description="folder of PNGs, not 0 where an image is labelled")
    labelled_boxes: Location | None = Field(None, description="earlier queries: a Parquet file, or a folder of such")


class SelectionConfig(Section):
    """Boxes from your own predictions."""

    out_dir: Location = Field(min_length=1, description="folder of the query")
    strategy: str = Field("metabox_plus", description="acquisition strategy")
    box_width: int = Field(128, ge=1, le=MAX_PIXELS, description="side of a box (pixels)")
    query_size: int = Field(6400, ge=1, le=MAX_NUMBER, description="boxes to choose")
    clicks_priority: ClicksPriority = Field("normalized", description="how estimated clicks enter the joint score")
    clicks_sample_images: int = Field(32, ge=1, le=MAX_IMAGES, description="pool images that set clicks_max")
    epsilon: float | None = Field(None, gt=0, le=MAX_EPSILON, description="RDP tolerance (pixels)")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of everything random")
    iteration: int = Field(0, ge=0, le=MAX_IMAGES, description="seeds the noise of random strategies too")
    threads: int = Field(2, ge=1, le=MAX_PROCESSES, description="images that are scored at a time")
    predictions: PredictionFormat = Field(default_factory=PredictionFormat)
    meta: MetaSet | None = Field(None, description="needed by metabox strategies")
    pool: PredictedPool
    meta_regressor: MetaRegressorConfig = Field(default_factory=MetaRegressorConfig)

    @field_validator("strategy")
    @classmethod
    def _strategy_ranks_by_predictions(cls, name: str) -> str:
        usable = [known.name for known in STRATEGIES.values() if known.priorities and not known.true_clicks]
        if name in usable:
            return name
        why = "needs the ground truth of the pool" if name in STRATEGIES else "is unknown"
        raise ValueError(f"strategy {name!r} {why}: choose {', '.join(usable)}{nearest(name, usable)}")

    @model_validator(mode="after")
    def _strategy_has_what_it_needs(self) -> "SelectionConfig":
        strategy = find_strategy(self.strategy)
        if strategy.needs_meta_regressor and self.meta is None:
            raise ValueError(
                f"strategy {self.strategy} needs a labelled meta set: give meta.predictions and meta.labels"
            )
        return self


def load_selection(path: str | Path, overrides: list[str] | None = None) -> SelectionConfig:
    """Read a YAML config of a selection; `key.path=value` overrides, relative paths start where the command does.

    Raises:
        ConfigError: unreadable file, unknown key, wrong type or value; every fault is named.
    """
    try:
        config = SelectionConfig.model_validate(load_values(path, overrides))
    except ValidationError as error:
        near = [key.name for key in config_keys(model=SelectionConfig)]
        raise ConfigError(faulty_config(path, error, near)) from error
    return absolute_paths(config)

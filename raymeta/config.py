"""The experiment's configuration: one frozen pydantic model, read once at the edge."""

import re
from pathlib import Path
from typing import Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from raymeta.errors import InputError
from raymeta.local_files import LocalFileError, read_bounded
from raymeta.locations import below
from raymeta.safe_yaml import MAX_BYTES, YamlError, load_yaml

DatasetKind = Literal["cityscapes", "camvid", "folder", "street_scenes"]
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
ClicksPriority = Literal["paper", "normalized"]
MetaRegressorKind = Literal["catboost", "sklearn"]
NetworkKind = Literal["fcn8", "deeplabv3plus", "lraspp"]
Sampling = Literal["images", "labelled_pixels"]
BatchNormMode = Literal["train", "frozen", "sync"]
STRATEGY_NAMES: tuple[str, ...] = get_args(StrategyName)


_EXPONENT: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+", re.ASCII)


# Far beyond what anybody needs, but near enough that a slip of the keyboard is told at once and not after the training.
MAX_PIXELS: Final = 32_768
MAX_IMAGES: Final = 1_000_000
MAX_PROCESSES: Final = 10_000
MAX_EPSILON: Final = 100_000.0
MAX_SCALES: Final = 10_000
MAX_NUMBER: Final = 1_000_000_000


class ConfigError(InputError):
    """A config that can't be used; the message names each wrong key, its value and the remedy."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _numbers_as_people_write_them(cls, values: Any) -> Any:
        """YAML 1.1 takes 1e-4 for text, it wants 1.0e-4: a number where a number belongs, text (a folder) elsewhere."""
        if not isinstance(values, dict):
            return values
        numbers = {
            key for key, field in cls.model_fields.items() if float in (field.annotation, *get_args(field.annotation))
        }
        return {
            key: float(value) if key in numbers and isinstance(value, str) and _EXPONENT.fullmatch(value) else value
            for key, value in values.items()
        }


class ScenesConfig(_Section):
    """Street scenes that `street_scenes` generates into `dataset.root` when they are not there yet."""

    train_images: int = Field(60, ge=1, le=MAX_IMAGES, description="images of the pool")
    validation_images: int = Field(20, ge=1, le=MAX_IMAGES, description="images for validation")
    height: int = Field(128, ge=32, le=MAX_PIXELS, description="pixels")
    width: int = Field(256, ge=32, le=MAX_PIXELS, description="pixels")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="same seed, same scenes")


class DatasetConfig(_Section):
    """Where the images are and how large they are read."""

    kind: DatasetKind = Field(description="layout of the data set")
    root: str = Field(description="folder of the data set")
    height: int | None = Field(
        None, ge=8, le=MAX_PIXELS, description="resize to this height (pixels); none keeps the files' size"
    )
    width: int | None = Field(
        None, ge=8, le=MAX_PIXELS, description="resize to this width (pixels); none keeps the files' size"
    )
    max_pool_images: int | None = Field(
        None, ge=1, le=MAX_IMAGES, description="use only this many pool images, by seeded choice"
    )
    max_validation_images: int | None = Field(
        None, ge=1, le=MAX_IMAGES, description="use only this many, evenly spaced"
    )
    scenes: ScenesConfig = Field(default_factory=ScenesConfig, description="only for kind street_scenes")

    @model_validator(mode="after")
    def _both_sides(self) -> "DatasetConfig":
        if (self.height is None) != (self.width is None):
            raise ValueError(f"height {self.height} and width {self.width}: give both, or neither")
        return self


class AcquisitionConfig(_Section):
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
    match_cost_of: str | None = Field(
        None, min_length=1, description="run folder: a query ends where its clicks reach those of that run's iteration"
    )
    match_cost: Literal["query", "total"] = Field(
        "query", description="clicks to match; total: those that that run spent on its meta set too"
    )


class MetaRegressorConfig(_Section):
    """The gradient boosting that predicts a segment's IoU."""

    kind: MetaRegressorKind = Field("catboost", description="library")
    trees: int = Field(100, ge=1, le=10_000, description="number of trees")
    depth: int = Field(4, ge=1, le=16, description="depth of a tree")
    learning_rate: float = Field(0.1, gt=0, le=1, description="shrinkage")


class NetworkConfig(_Section):
    """The segmentation network."""

    kind: NetworkKind = Field("fcn8", description="architecture")
    width_multiplier: float = Field(0.25, gt=0, le=16, description="factor on all channel counts; 1.0 is as published")
    batch_norm: bool = Field(False, description="fcn8: batch norm after each convolution; the others always have it")
    weights: str | None = Field(
        None, description="start weights, a file or URI: own network.pt or a published encoder; none: random"
    )


class TrainingConfig(_Section):
    """How the network is trained in each iteration."""

    optimizer: Literal["adam", "sgd"] = Field("adam", description="optimizer")
    learning_rate: float = Field(1e-4, gt=0, le=1000, description="initial learning rate")
    beta1: float = Field(0.99, ge=0, lt=1, description="Adam")
    beta2: float = Field(0.999, ge=0, lt=1, description="Adam")
    momentum: float = Field(0.9, ge=0, lt=1, description="SGD")
    weight_decay: float = Field(0.0, ge=0, le=1000, description="L2 penalty")
    schedule: Literal["constant", "poly"] = Field("constant", description="learning-rate policy")
    poly_power: float = Field(0.8, gt=0, le=1000, description="p of lr·(1 - s/s_tot)^p")
    poly_steps: int = Field(150_000, ge=1, le=MAX_NUMBER, description="s_tot")
    batch_size: int = Field(1, ge=1, le=MAX_IMAGES, description="images a step, over all workers")
    patience: int = Field(10, ge=1, le=MAX_NUMBER, description="epochs without a better validation mIoU, then it stops")
    max_epochs: int = Field(200, ge=1, le=MAX_NUMBER, description="at most this many epochs")
    steps_per_epoch: int | None = Field(None, ge=1, le=MAX_NUMBER, description="cap; none: every labelled image once")
    min_steps_per_epoch: int = Field(
        1, ge=1, le=MAX_NUMBER, description="an epoch goes through few labelled images again until then"
    )
    max_steps: int | None = Field(None, ge=1, le=MAX_NUMBER, description="cap over all epochs")
    sampling: Sampling = Field(
        "images", description="an epoch holds each labelled image once, or draws images by their labelled pixels"
    )
    accumulation_steps: int = Field(
        1, ge=1, le=MAX_IMAGES, description="parts in which each worker computes its share of a batch"
    )
    horizontal_flip: bool = Field(False, description="mirror half of the images")
    crop_height: int | None = Field(
        None, ge=1, le=MAX_PIXELS, description="train on random crops of this height (pixels)"
    )
    crop_width: int | None = Field(
        None, ge=1, le=MAX_PIXELS, description="train on random crops of this width (pixels)"
    )
    scale_min: float = Field(
        1.0, ge=0.01, le=100, description="scale images before the crop by a random factor, at least this"
    )
    scale_max: float = Field(1.0, ge=0.01, le=100, description="and at most this")
    scale_step: float = Field(0.25, ge=0, le=100, description="between the factors; 0: any factor in between")
    batch_norm: BatchNormMode = Field(
        "train", description="frozen: statistics of the start weights; sync: over all workers"
    )
    workers: int = Field(1, ge=1, le=MAX_PROCESSES, description="Ray Train workers")
    threads_per_worker: int = Field(2, ge=1, le=MAX_PROCESSES, description="CPU threads of a worker")
    mixed_precision: bool = Field(False, description="bfloat16 autocast (GPU)")

    @model_validator(mode="after")
    def _steps_and_parts_fit(self) -> "TrainingConfig":
        least, most, parts = self.min_steps_per_epoch, self.steps_per_epoch, self.workers * self.accumulation_steps
        if most is not None and least > most:
            raise ValueError(f"min_steps_per_epoch {least} exceeds steps_per_epoch {most}: lower it")
        if self.batch_size % parts:
            raise ValueError(
                f"batch_size {self.batch_size} is no multiple of workers {self.workers} × accumulation_steps "
                f"{self.accumulation_steps}: choose a multiple of {parts}"
            )
        return self

    @model_validator(mode="after")
    def _crop_and_scale_fit(self) -> "TrainingConfig":
        if (self.crop_height is None) != (self.crop_width is None):
            raise ValueError(f"crop_height {self.crop_height} and crop_width {self.crop_width}: give both, or neither")
        if self.scale_min > self.scale_max:
            raise ValueError(f"scale_min {self.scale_min} is above scale_max {self.scale_max}: swap them")
        if self.scale_step and (self.scale_max - self.scale_min) / self.scale_step > MAX_SCALES:
            raise ValueError(
                f"scale_step {self.scale_step} makes more than {MAX_SCALES} factors between scale_min "
                f"{self.scale_min} and scale_max {self.scale_max}: choose a larger one, or 0 for any factor in between"
            )
        if (self.scale_min, self.scale_max) != (1.0, 1.0) and self.crop_height is None:
            raise ValueError(
                f"scale_min {self.scale_min} and scale_max {self.scale_max} make images of many sizes: give "
                "crop_height and crop_width"
            )
        return self


class ScoringConfig(_Section):
    """How the pool is scored."""

    actors: int = Field(1, ge=1, le=MAX_PROCESSES, description="scoring actors")
    threads_per_actor: int = Field(2, ge=1, le=MAX_PROCESSES, description="CPU threads of an actor")


class ReportConfig(_Section):
    """What the report shows."""

    panel_images: int = Field(3, ge=0, le=1000, description="pool images shown as panels (Figure 4)")
    full_set_run: str | None = Field(None, description="run folder of full_set, for the 95 % line")


class ExperimentConfig(_Section):
    """One experiment: one strategy, one seed."""

    run_dir: str = Field(min_length=1, description="run folder, a path or URI")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of everything random")
    seeds: list[int] | None = Field(None, min_length=1, description="repetitions: a run for each, in run_dir/seed_N")
    iterations: int = Field(5, ge=1, le=MAX_IMAGES, description="train → score → select → ask, this many times")
    dataset: DatasetConfig
    acquisition: AcquisitionConfig
    meta_regressor: MetaRegressorConfig = Field(default_factory=MetaRegressorConfig)
    network: NetworkConfig = Field(default_factory=NetworkConfig)
    training: TrainingConfig = Field(default_factory=TrainingConfig)
    scoring: ScoringConfig = Field(default_factory=ScoringConfig)
    report: ReportConfig = Field(default_factory=ReportConfig)

    @model_validator(mode="after")
    def _parts_fit_together(self) -> "ExperimentConfig":
        if self.acquisition.strategy.startswith("metabox") and self.acquisition.meta_images == 0:
            raise ValueError(
                "acquisition.meta_images 0: a metabox strategy needs at least 1 image for its meta regressor"
            )
        if self.acquisition.match_cost_of is not None and self.acquisition.strategy == "full_set":
            raise ValueError("acquisition.match_cost_of: full_set asks for no boxes; leave it out")
        if self.training.batch_norm == "frozen" and self.network.weights is None:
            raise ValueError(
                "training.batch_norm 'frozen' keeps the statistics of start weights, and network.weights gives none: "
                "name a file, or set training.batch_norm to train"
            )
        return self

    @model_validator(mode="after")
    def _seeds_are_seeds(self) -> "ExperimentConfig":
        for seed in self.seeds or []:
            if not 0 <= seed < 2**31:
                raise ValueError(f"seeds: {seed} is no seed: choose 0 to {2**31 - 1}")
        if self.seeds and len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds {self.seeds}: one of them comes twice; name each once")
        return self


# Values that say where or how fast an experiment runs, never what comes out of it: a resumed run may change them.
# Numbers of threads are not among them: a convolution rounds differently with another number.
RESUME_MAY_CHANGE: tuple[str, ...] = (
    "run_dir",
    "seeds",
    "dataset.root",
    "iterations",
    "scoring.actors",
    "report.panel_images",
    "report.full_set_run",
)


def repetition_configs(config: ExperimentConfig) -> list[ExperimentConfig]:
    """An ordinary config for each of `seeds`, with the run folder run_dir/seed_N; without `seeds` the config itself."""
    if config.seeds is None:
        return [config]
    return [
        config.model_copy(update={"seed": seed, "seeds": None, "run_dir": below(config.run_dir, seed_folder(seed))})
        for seed in config.seeds
    ]


def seed_folder(seed: int) -> str:
    """Name of one repetition's run folder."""
    return f"seed_{seed}"


def load_config(path: str | Path, overrides: list[str] | None = None) -> ExperimentConfig:
    """Read a YAML config and apply `key.path=value` overrides; values are YAML.

    Raises:
        ConfigError: unreadable file, no mapping, unknown key, wrong type or value; every fault is named.
    """
    return parse_config(load_values(path, overrides), source=str(path))


def load_values(path: str | Path, overrides: list[str] | None = None) -> dict[str, Any]:
    """Plain values of a YAML file with `key.path=value` overrides; raises ConfigError as `load_config` does."""
    try:
        text = read_bounded(Path(path), MAX_BYTES, pipes=True).decode()
        values = load_yaml(text)
    except (OSError, UnicodeDecodeError, LocalFileError) as error:
        raise ConfigError(f"config {path} can't be read: {error}") from error
    except YamlError as error:
        raise ConfigError(f"config {path} is no valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"config {path} holds {type(values).__name__}, not keys with values")
    for override in overrides or []:
        _apply_override(values, override)
    return values


def parse_config(values: dict[str, Any], source: str = "config") -> ExperimentConfig:
    """Validate plain values; `source` names them in the error."""
    try:
        return ExperimentConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{source}:\n" + "\n".join(_describe(fault) for fault in error.errors())) from error


def apply_overrides(config: ExperimentConfig, overrides: list[str]) -> ExperimentConfig:
    """The config with `key.path=value` overrides; raises ConfigError as `load_config` does."""
    values = config.model_dump()
    for override in overrides:
        _apply_override(values, override)
    return parse_config(values)


def _describe(fault: Any) -> str:
    key = ".".join(str(part) for part in fault["loc"]) or "(whole config)"
    if fault["type"] == "extra_forbidden":
        return f"  {key}: unknown key; remove it or correct its name"
    if fault["type"] == "missing":
        return f"  {key}: missing; give a value"
    message = fault["msg"].removeprefix("Value error, ")
    shown = fault["input"]
    text = repr(shown) if len(repr(shown)) <= 200 else f"{repr(shown)[:200]}…"
    return f"  {key}: {message}" + ("" if isinstance(shown, dict) else f" (got {text})")


def _apply_override(values: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    if not separator or not key:
        raise ConfigError(f"override {override!r} has no '=': write key.path=value, as in seed=1")
    try:
        value = load_yaml(text)
    except YamlError as error:
        raise ConfigError(f"override {override!r}: the value is no valid YAML: {error}") from error
    set_value(values, key, value, source=f"override {override!r}")


def set_value(values: dict[str, Any], key: str, value: Any, source: str = "") -> None:
    """Set the value at a dotted path, making sections on the way.

    Raises:
        ConfigError: a part of the path holds a value; `source` names it.
    """
    *parents, last = key.split(".")
    section = values
    for parent in parents:
        section = section.setdefault(parent, {})
        if not isinstance(section, dict):
            raise ConfigError(f"{source or key}: {parent} holds a value, not keys")
    section[last] = value


def flatten(config: ExperimentConfig) -> dict[str, Any]:
    """Every value of the config under its dotted path."""

    def walk(prefix: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            return {prefix: value}
        return {k: v for name, child in value.items() for k, v in walk(f"{prefix}.{name}".strip("."), child).items()}

    return walk("", config.model_dump())


def differences(old: ExperimentConfig, new: ExperimentConfig) -> list[str]:
    """`key: old → new` for each value that a resumed run may not change."""
    before, after = flatten(old), flatten(new)
    return [
        f"{key}: {before.get(key)!r} → {after.get(key)!r}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key) and key not in RESUME_MAY_CHANGE
    ]

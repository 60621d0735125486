"""The whole config of an experiment: its sections, its repetitions, and what a resumed run may change."""

from typing import Any

from pydantic import Field, field_validator, model_validator

from raymeta.config.absolute_paths import location_keys, same_place
from raymeta.config.acquisition import AcquisitionConfig, MetaRegressorConfig
from raymeta.config.dataset import DatasetConfig
from raymeta.config.network import NetworkConfig
from raymeta.config.oracle import OracleConfig
from raymeta.config.presets import PRESETS, STRATEGY_NAMES
from raymeta.config.section import MAX_IMAGES, MAX_PROCESSES, Location, Section
from raymeta.config.study import StudyConfig
from raymeta.config.tracking import NotifyConfig, TrackerConfig
from raymeta.config.training import TrainingConfig


class ScoringConfig(Section):
    """How the pool is scored."""

    actors: int = Field(1, ge=1, le=MAX_PROCESSES, description="scoring actors")
    threads_per_actor: int = Field(2, ge=1, le=MAX_PROCESSES, description="CPU threads of an actor")


class ReportConfig(Section):
    """What the report shows."""

    panel_images: int = Field(3, ge=0, le=1000, description="pool images shown as panels (Figure 4)")
    full_set_run: Location | None = Field(None, description="run folder of full_set, for the 95 % line")


class ExperimentConfig(Section):
    """One experiment: one strategy, one seed."""

    run_dir: Location = Field(min_length=1, description="run folder, a path or URI")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of everything random")
    seeds: list[int] | None = Field(None, min_length=1, description="repetitions: a run for each, in run_dir/seed_N")
    study: StudyConfig | None = Field(
        None, description="several strategies, seeds and settings, run and reported as one"
    )
    shared_dir: Location | None = Field(
        None,
        min_length=1,
        description="folder where runs leave what others need too: kept features, trainings on the same labels, clicks "
        "of the pool; none: a run shares nothing, a study uses run_dir/shared until its runs are done",
    )
    iterations: int = Field(
        5,
        ge=1,
        le=MAX_IMAGES,
        description="train → score → select → ask, this many times; the last answers train once it is raised",
    )
    dataset: DatasetConfig
    acquisition: AcquisitionConfig = Field(default_factory=AcquisitionConfig)
    oracle: OracleConfig = Field(default_factory=OracleConfig)
    meta_regressor: MetaRegressorConfig = Field(default_factory=MetaRegressorConfig)
    network: NetworkConfig = Field(default_factory=NetworkConfig)
    training: TrainingConfig = Field(default_factory=TrainingConfig)
    scoring: ScoringConfig = Field(default_factory=ScoringConfig)
    report: ReportConfig = Field(default_factory=ReportConfig)
    trackers: list[TrackerConfig] = Field(
        default_factory=list, description="tensorboard, mlflow, wandb: who else gets the numbers"
    )
    notify: NotifyConfig = Field(default_factory=NotifyConfig)

    @field_validator("trackers")
    @classmethod
    def _one_of_a_kind(cls, trackers: list[TrackerConfig]) -> list[TrackerConfig]:
        kinds = [tracker.kind for tracker in trackers]
        if len(set(kinds)) < len(kinds):
            raise ValueError(f"trackers {kinds}: one of them comes twice; name each kind once")
        return trackers

    @model_validator(mode="before")
    @classmethod
    def _a_study_names_the_strategies(cls, values: Any) -> Any:
        study = values.get("study") if isinstance(values, dict) else None
        acquisition = values.get("acquisition") if isinstance(values, dict) else None
        named = study.get("strategies") if isinstance(study, dict) else None
        if not named or not isinstance(named, list) or not isinstance(acquisition, dict | None):
            return values
        # No run has it: each has the strategy of its arm. One that goes with any value of the other keys.
        preset = next((name for name in named if name in STRATEGY_NAMES and name != "full_set"), "random_box")
        return {**values, "acquisition": {"strategy": preset, **(acquisition or {})}}

    @model_validator(mode="after")
    def _parts_fit_together(self) -> "ExperimentConfig":
        if self.acquisition.match_cost_of is not None and self.acquisition.strategy == "full_set":
            raise ValueError("acquisition.match_cost_of: full_set asks for no boxes; leave it out")
        if self.training.batch_norm == "frozen" and self.network.weights is None:
            raise ValueError(
                "training.batch_norm 'frozen' keeps the statistics of start weights, and network.weights gives none: "
                "name a file, or set training.batch_norm to train"
            )
        if self.network.encoder == "frozen" and (self.training.scale_min, self.training.scale_max) != (1.0, 1.0):
            raise ValueError(
                "training.scale_min and scale_max: a frozen encoder's features are made at one scale; leave them out, "
                "or set network.encoder to finetuned"
            )
        if self.network.encoder == "frozen" and self.training.crop_height and self.training.loss_stride > 1:
            raise ValueError(
                f"training.loss_stride {self.training.loss_stride}: the loss on crops of a frozen encoder's features "
                "looks at their cells; leave loss_stride out"
            )
        return self

    @model_validator(mode="after")
    def _people_need_no_ground_truth(self) -> "ExperimentConfig":
        if self.oracle.kind != "people":
            return self
        strategy, reference = self.acquisition.strategy, self.acquisition.match_cost_of
        if strategy == "full_set" or "true" in (self.acquisition.cost, PRESETS[strategy].cost):
            raise ValueError(
                f"acquisition.strategy {strategy}, or cost true, needs the labels of the whole pool, which nobody has "
                "where oracle.kind is people: choose another strategy, or oracle.kind=simulated"
            )
        if reference is not None:
            raise ValueError(
                "acquisition.match_cost_of needs the clicks of boxes before they are answered, which nobody knows "
                "where oracle.kind is people: leave it out"
            )
        return self

    @model_validator(mode="after")
    def _seeds_are_seeds(self) -> "ExperimentConfig":
        for seed in [*(self.seeds or []), *((self.study and self.study.seeds) or [])]:
            if not 0 <= seed < 2**31:
                raise ValueError(f"seeds: {seed} isn't a seed: choose 0 to {2**31 - 1}")
        if self.seeds and len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds {self.seeds}: one of them comes twice; name each once")
        return self


# Values that say where or how fast an experiment runs, never what comes out of it: a resumed run may change them.
# Numbers of threads are not among them: a convolution rounds differently with another number.
RESUME_MAY_CHANGE: tuple[str, ...] = (
    "run_dir",
    "shared_dir",
    "seeds",
    "study",
    "dataset.root",
    "dataset.cache_dir",
    "dataset.cache_gib",
    "dataset.outage_wait_s",
    "dataset.max_failed_share",
    "training.cache_gib",
    "iterations",
    "oracle.review",
    "oracle.go_on_at",
    "oracle.max_uncovered",
    "oracle.double_share",
    "oracle.agree_at",
    "oracle.agree_within",
    "scoring.actors",
    "network.kept_features",
    "network.kept_features_mib",
    "report.panel_images",
    "report.full_set_run",
    "trackers",
    "notify.command",
    "notify.webhook",
    "notify.headers",
    "notify.events",
    "notify.timeout_s",
)


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
    places = set(location_keys(ExperimentConfig))
    return [
        f"{key}: {before.get(key)!r} → {after.get(key)!r}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
        and key not in RESUME_MAY_CHANGE
        and not (key in places and same_place(before.get(key), after.get(key)))
    ]

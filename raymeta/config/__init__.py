"""The experiment's configuration: one frozen pydantic model, read once at the edge."""

from raymeta.config.absolute_paths import absolute_paths
from raymeta.config.acquisition import (
    STRATEGY_NAMES,
    AcquisitionConfig,
    ClicksPriority,
    MetaRegressorConfig,
    MetaRegressorKind,
    PolicyConfig,
    PolicyName,
    StrategyName,
)
from raymeta.config.config_file import (
    ConfigError,
    apply_overrides,
    load_config,
    load_values,
    load_with_base,
    parse_config,
    set_value,
)
from raymeta.config.dataset import DatasetConfig, DatasetKind, ScenesConfig
from raymeta.config.experiment import (
    RESUME_MAY_CHANGE,
    ExperimentConfig,
    ReportConfig,
    ScoringConfig,
    differences,
    flatten,
)
from raymeta.config.network import NetworkConfig, NetworkKind
from raymeta.config.runs import is_many, run_configs, run_name, seed_folder
from raymeta.config.section import (
    MAX_EPSILON,
    MAX_IMAGES,
    MAX_NUMBER,
    MAX_PIXELS,
    MAX_PROCESSES,
    MAX_SCALES,
    Location,
    Section,
)
from raymeta.config.study import StudyConfig, setting_name
from raymeta.config.training import BatchNormMode, Sampling, TrainingConfig

__all__ = [
    "MAX_EPSILON",
    "MAX_IMAGES",
    "MAX_NUMBER",
    "MAX_PIXELS",
    "MAX_PROCESSES",
    "MAX_SCALES",
    "RESUME_MAY_CHANGE",
    "STRATEGY_NAMES",
    "AcquisitionConfig",
    "BatchNormMode",
    "ClicksPriority",
    "ConfigError",
    "DatasetConfig",
    "DatasetKind",
    "ExperimentConfig",
    "Location",
    "MetaRegressorConfig",
    "MetaRegressorKind",
    "NetworkConfig",
    "NetworkKind",
    "PolicyConfig",
    "PolicyName",
    "ReportConfig",
    "Sampling",
    "ScenesConfig",
    "ScoringConfig",
    "Section",
    "StrategyName",
    "StudyConfig",
    "TrainingConfig",
    "absolute_paths",
    "apply_overrides",
    "differences",
    "flatten",
    "is_many",
    "load_config",
    "load_values",
    "load_with_base",
    "parse_config",
    "run_configs",
    "run_name",
    "seed_folder",
    "set_value",
    "setting_name",
]

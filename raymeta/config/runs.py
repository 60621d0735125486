"""The runs that a config stands for: one, one for each of its seeds, or those of its study."""

import itertools
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from raymeta.config.absolute_paths import absolute_paths
from raymeta.config.config_file import ConfigError, parse_config, set_value
from raymeta.config.experiment import ExperimentConfig
from raymeta.config.study import StudyConfig, Value, setting_name, strategy_of_arm
from raymeta.locations import below, without_options

FULL_SET = "full_set"
NO_MATTER_TO_FULL_SET = ("acquisition.", "meta_regressor.", "scoring.")
"""Keys that a full_set run doesn't look at: varied values of them give it no further run."""


def run_configs(config: ExperimentConfig) -> list[ExperimentConfig]:
    """An ordinary config for each run, in a folder of its own below run_dir; of a single run the config itself.

    A study's runs lie in run_dir/STRATEGY/seed_N, or run_dir/STRATEGY/KEY=VALUE,…/seed_N where values vary; all runs of
    one seed start from the same images. Repetitions lie in run_dir/seed_N.

    Raises:
        ConfigError: a combination of the study is no valid config; each is named.
    """
    if config.study is not None:
        return _study_runs(config, config.study)
    if config.seeds is None:
        return [config]
    return [
        config.model_copy(update={"seed": seed, "seeds": None, "run_dir": below(config.run_dir, seed_folder(seed))})
        for seed in config.seeds
    ]


def is_many(config: ExperimentConfig) -> bool:
    """Whether the config stands for runs below its run_dir, not for a run in it."""
    return config.study is not None or config.seeds is not None


def seed_folder(seed: int) -> str:
    """Name of one repetition's run folder."""
    return f"seed_{seed}"


def run_name(config: ExperimentConfig, run: ExperimentConfig) -> str:
    """Name of a run among those of the config: its folder below the config's."""
    return without_options(run.run_dir).removeprefix(without_options(config.run_dir)).strip("/")


def shared_folder(config: ExperimentConfig) -> str:
    """Where the runs of a study leave what they share, if the config names no place."""
    return below(config.run_dir, "shared")


def _study_runs(config: ExperimentConfig, study: StudyConfig) -> list[ExperimentConfig]:
    """Seed by seed, so that the strategies can be compared as soon as the first seed is done."""
    base = config.model_dump(exclude_unset=True, exclude={"study", "seeds"})
    runs, faults = dict[str, ExperimentConfig](), []
    for seed in study.seeds or config.seeds or [config.seed]:
        for strategy, values in _arms(study):
            names = [strategy, *([setting_name(values)] if values else []), seed_folder(seed)]
            try:
                run = _arm(config, base, strategy, {**values, "run_dir": below(config.run_dir, *names), "seed": seed})
            except ConfigError as error:
                faults.append(str(error))
                continue
            if run.run_dir in runs:
                raise ConfigError(f"study: two runs would lie in {run.run_dir}: their values give one name")
            runs[run.run_dir] = run
    if faults:
        raise ConfigError("\n".join(dict.fromkeys(faults)))
    return list(runs.values())


def _arms(study: StudyConfig) -> Iterator[tuple[str, Mapping[str, Value]]]:
    for strategy in study.strategies:
        varied = {
            key: values
            for key, values in study.vary.items()
            if strategy != FULL_SET or not key.startswith(NO_MATTER_TO_FULL_SET)
        }
        for values in itertools.product(*varied.values()):
            yield strategy, dict(zip(varied, values, strict=True))


def _arm(
    config: ExperimentConfig, base: Mapping[str, Any], strategy: str, values: Mapping[str, Any]
) -> ExperimentConfig:
    assert config.study is not None
    changed: dict[str, Any] = deepcopy(dict(base))
    own = config.study.settings.get(strategy, {})
    once = {"iterations": 1} if strategy == FULL_SET else _target(config, values["seed"])
    shared = {"shared_dir": config.shared_dir or shared_folder(config)}
    named = {"acquisition.strategy": strategy_of_arm(strategy)}
    for key, value in {**once, **shared, **named, **own, **values}.items():
        set_value(changed, key, value)
    return absolute_paths(parse_config(changed, source=f"study, {strategy} {setting_name(values)}"))


def _target(config: ExperimentConfig, seed: int) -> dict[str, Any]:
    """The full_set run of the same seed, where the study has exactly one and the config names none."""
    study = config.study
    if study is None or FULL_SET not in study.strategies or config.report.full_set_run is not None:
        return {}
    if any(not key.startswith(NO_MATTER_TO_FULL_SET) for key in study.vary):
        return {}
    return {"report.full_set_run": below(config.run_dir, FULL_SET, seed_folder(seed))}

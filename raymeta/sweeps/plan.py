"""A sweep's plan: which values are tried, and the ordinary config of each trial."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from raymeta.config import (
    ConfigError,
    ExperimentConfig,
    Location,
    absolute_paths,
    faulty_config,
    load_values,
    load_with_base,
    parse_config,
    run_configs,
    set_value,
    setting_name,
)
from raymeta.locations import below

Value = int | float | str | bool | None


class ValueRange(BaseModel):
    """Numbers to draw from; whole ones where both ends are whole."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    low: int | float = Field(description="least value")
    high: int | float = Field(description="largest value, drawn too")
    log: bool = Field(False, description="draw evenly on a logarithmic scale")

    @model_validator(mode="after")
    def _ordered(self) -> "ValueRange":
        if not self.low < self.high:
            raise ValueError(f"low {self.low} is not below high {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"low {self.low}: a logarithmic scale starts above 0")
        return self

    def draw(self, rng: np.random.Generator) -> int | float:
        """One value; fractions keep four digits, so that a folder's name tells the whole value."""
        low, high = float(self.low), float(self.high)
        whole = isinstance(self.low, int) and isinstance(self.high, int)
        if whole:
            high += 1
        drawn = float(np.exp(rng.uniform(np.log(low), np.log(high))) if self.log else rng.uniform(low, high))
        return min(int(drawn), int(self.high)) if whole else float(f"{drawn:.4g}")


class SweepConfig(BaseModel):
    """A sweep over experiments that differ in some values; its state are the run folders of its trials."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: str = Field(min_length=1, description="config that every trial starts from; relative to this file")
    sweep_dir: Location = Field(min_length=1, description="folder of the trials' run folders and of the report")
    search: Literal["grid", "random"] = Field("grid", description="every combination, or some drawn ones")
    samples: int = Field(10, ge=1, description="trials of a random search")
    seed: int = Field(0, ge=0, description="seed of the random search")
    fixed: dict[str, Value] = Field(default_factory=dict, description="key.path: value for all trials")
    parameters: dict[str, list[Value] | ValueRange] = Field(
        min_length=1, description="key.path: values, or low and high"
    )
    scheduler: Literal["none", "asha"] = Field("none", description="asha ends trials that lag behind")
    asha_time: Literal["iteration", "cost_a"] = Field("iteration", description="where asha compares trials")
    asha_grace: int = Field(1, ge=1, description="asha ends no trial before this iteration, or cost_A in percent")
    asha_reduction: float = Field(2, gt=1, description="asha keeps one of this many at each of its steps")
    max_concurrent: int | None = Field(None, ge=1, description="trials at a time; none: what the cluster takes")

    @model_validator(mode="after")
    def _values_to_try(self) -> "SweepConfig":
        for key, values in self.parameters.items():
            if isinstance(values, list) and not values:
                raise ValueError(f"parameters.{key} is empty: name at least one value")
            if isinstance(values, ValueRange) and self.search == "grid":
                raise ValueError(
                    f"parameters.{key} is a range: a grid needs a list of values, or choose search: random"
                )
            if key in ("run_dir", "seed", "seeds"):
                raise ValueError(
                    f"parameters.{key} can't be swept: seeds are repetitions, give them in the base config"
                )
        return self


@dataclass(frozen=True)
class Trial:
    """One combination of values, and its runs: one, or one for each of the base config's `seeds`."""

    name: str
    values: Mapping[str, Value]
    runs: tuple[ExperimentConfig, ...]


def load_sweep(path: str | Path, overrides: list[str] | None = None) -> SweepConfig:
    """Read a sweep's YAML; overrides as `samples=4`.

    Raises:
        ConfigError: unreadable, no mapping, unknown key, wrong value; every fault is named.
    """
    values = load_values(path, overrides)
    try:
        sweep = SweepConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError(faulty_config(path, error, SweepConfig.model_fields)) from error
    base = Path(path).parent / sweep.base
    return absolute_paths(sweep.model_copy(update={"base": str(base if base.exists() else sweep.base)}))


def plan_trials(sweep: SweepConfig) -> list[Trial]:
    """The trials in a fixed order; the same sweep always gives the same.

    Raises:
        ConfigError: the base config can't be read, or a combination is no valid config (each is named).
    """
    base = load_with_base(sweep.base)
    trials, faults = [], []
    for values in dict.fromkeys(tuple(combination.items()) for combination in _combinations(sweep)):
        name = setting_name(dict(values))
        try:
            config = _trial_config(sweep, base, dict(values), name)
        except ConfigError as error:
            faults.append(str(error))
            continue
        trials.append(Trial(name, dict(values), tuple(run_configs(config))))
    if faults:
        raise ConfigError("\n".join(faults))
    return trials


def _combinations(sweep: SweepConfig) -> Iterator[dict[str, Value]]:
    if sweep.search == "grid":
        lists = [values for values in sweep.parameters.values() if isinstance(values, list)]
        yield from (dict(zip(sweep.parameters, found, strict=True)) for found in itertools.product(*lists))
        return
    rng = np.random.default_rng(sweep.seed)
    for _ in range(sweep.samples):
        yield {
            key: values.draw(rng) if isinstance(values, ValueRange) else values[int(rng.integers(len(values)))]
            for key, values in sweep.parameters.items()
        }


def _trial_config(
    sweep: SweepConfig, base: Mapping[str, Any], values: Mapping[str, Value], name: str
) -> ExperimentConfig:
    changed: dict[str, Any] = yaml.safe_load(yaml.safe_dump(dict(base)))  # a copy that shares nothing
    for key, value in {**sweep.fixed, **values, "run_dir": below(sweep.sweep_dir, name)}.items():
        set_value(changed, key, value)
    return absolute_paths(parse_config(changed, source=f"trial {name}"))

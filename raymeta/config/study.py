"""Keys of `study`: several strategies, seeds and settings as one piece of work."""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import Field, field_validator, model_validator

from raymeta.config.presets import CUSTOM, POINT_STRATEGIES, SEGMENT_STRATEGIES, STRATEGY_NAMES
from raymeta.config.section import Section

Value = int | float | str | bool | None
KNOWN_STRATEGIES: Final = (*STRATEGY_NAMES, *POINT_STRATEGIES, *SEGMENT_STRATEGIES, CUSTOM)
NEAR: Final = 0.85
"""Likeness of two names, of 1, from which on one is taken for a slip of the keyboard."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
NOT_VARIED = ("run_dir", "seed", "seeds", "acquisition.strategy", "study", "base")


class StudyConfig(Section):
    """Runs that are compared: one for each strategy, seed and combination of varied values."""

    strategies: list[str] = Field(
        min_length=1, description="to compare; full_set is the target; other names are custom ones, made by settings"
    )
    seeds: list[int] | None = Field(None, min_length=1, description="a run for each; none: the config's seeds, or seed")
    vary: dict[str, list[Value]] = Field(
        default_factory=dict, description="key.path: values; every combination is tried with every strategy"
    )
    settings: dict[str, dict[str, Value]] = Field(
        default_factory=dict, description="strategy: {key.path: value}, what holds for that strategy alone"
    )

    @field_validator("strategies", mode="after")
    @classmethod
    def _names_that_a_folder_can_have(cls, strategies: list[str]) -> list[str]:
        wrong = [name for name in strategies if not _NAME.fullmatch(name)]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: name strategies by letters, digits, - and _")
        return strategies

    @model_validator(mode="after")
    def _own_names_are_told(self) -> "StudyConfig":
        unknown = [name for name in self.strategies if name not in KNOWN_STRATEGIES and name not in self.settings]
        if unknown:
            raise ValueError(
                f"strategies {', '.join(unknown)}: choose among {', '.join(KNOWN_STRATEGIES)}, or tell under settings "
                "what an own name stands for"
            )
        return self

    @model_validator(mode="after")
    def _names_each_run_once(self) -> "StudyConfig":
        lists: dict[str, Sequence[Value]] = {"strategies": self.strategies, "seeds": self.seeds or [], **self.vary}
        for name, values in lists.items():
            if len({repr(value) for value in values}) < len(values):
                raise ValueError(f"{name} {values}: one of them comes twice; name each once")
        for name, values in self.vary.items():
            if not values:
                raise ValueError(f"vary.{name} is empty: name at least one value")
        for key in [*self.vary, *(key for keys in self.settings.values() for key in keys)]:
            if key.partition(".")[0] in NOT_VARIED or key in NOT_VARIED:
                raise ValueError(f"{key} can't be varied: name strategies and seeds under study")
        return self

    @model_validator(mode="after")
    def _settings_are_of_strategies(self) -> "StudyConfig":
        """Those of strategies that aren't run this time are left alone: `study.strategies=[points]` runs a part."""
        bare = [name for name in self.strategies if name not in self.settings]
        for name in sorted(set(self.settings) - set(self.strategies)):
            near = difflib.get_close_matches(name, bare, n=1, cutoff=NEAR)
            if near and name not in KNOWN_STRATEGIES:
                raise ValueError(f"settings names {name}, which is not among the strategies: did you mean {near[0]}?")
        return self


def strategy_of_arm(name: str) -> str:
    """What acquisition.strategy is for a name under `strategies`: itself, or custom."""
    return name if name in KNOWN_STRATEGIES else CUSTOM


def setting_name(values: Mapping[str, Value]) -> str:
    """Folder name that tells the values, as box_width=16,query_size=200; whole paths where last parts are equal."""
    last = [key.rpartition(".")[2] for key in values]
    names = last if len(set(last)) == len(last) else list(values)
    text = ",".join(f"{name}={value}" for name, value in zip(names, values.values(), strict=True))
    return "".join(c if c.isalnum() or c in "=,._-" else "-" for c in text)

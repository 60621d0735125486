"""Reading a config: YAML files, `key.path=value` overrides, and errors that name the key."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from raymeta.config.absolute_paths import absolute_paths
from raymeta.config.acquisition import without_preset
from raymeta.config.experiment import ExperimentConfig
from raymeta.config.keys import near_keys
from raymeta.errors import InputError
from raymeta.field_faults import field_faults
from raymeta.local_files import LocalFileError, read_bounded
from raymeta.safe_yaml import MAX_BYTES, YamlError, load_yaml


class ConfigError(InputError):
    """A config that can't be used; the message names each wrong key, its value and the remedy."""


def load_config(path: str | Path, overrides: list[str] | None = None) -> ExperimentConfig:
    """Read a YAML config and apply `key.path=value` overrides; values are YAML, relative paths start here.

    Raises:
        ConfigError: unreadable file, no mapping, unknown key, wrong type or value; every fault is named.
        LocalFileError: a path that can't be, or that leads nowhere from a submitted job.
    """
    return absolute_paths(parse_config(load_with_base(path, overrides), source=str(path)))


def load_with_base(path: str | Path, overrides: list[str] | None = None) -> dict[str, Any]:
    """Plain values as `load_values` gives them, laid over those of the file that `base` names, relative to this one."""
    values = load_values(path, overrides)
    files = [Path(path)]
    while (base := values.pop("base", None)) is not None:
        if not isinstance(base, str):
            raise ConfigError(f"config {files[-1]}: base {base!r} isn't text: name a config file")
        files.append(files[-1].parent / base)
        if files[-1].resolve() in {file.resolve() for file in files[:-1]}:
            raise ConfigError(f"config {path}: base {base!r} leads back to itself: {' → '.join(map(str, files))}")
        values = _laid_over(load_values(files[-1]), values)
    return values


def _laid_over(base: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Sections are joined, other values replaced."""
    merged = dict(base)
    for key, value in values.items():
        below = merged.get(key)
        merged[key] = _laid_over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def load_values(path: str | Path, overrides: list[str] | None = None) -> dict[str, Any]:
    """Plain values of a YAML file with `key.path=value` overrides; raises ConfigError as `load_config` does."""
    try:
        text = read_bounded(Path(path), MAX_BYTES, pipes=True).decode()
        values = load_yaml(text)
    except (OSError, UnicodeDecodeError, LocalFileError) as error:
        raise ConfigError(f"config {path} can't be read: {error}") from error
    except YamlError as error:
        raise ConfigError(f"config {path} isn't valid YAML: {error}") from error
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
        raise ConfigError(faulty_config(source, error, near=_meant)) from error


def apply_overrides(config: ExperimentConfig, overrides: list[str]) -> ExperimentConfig:
    """The config with `key.path=value` overrides and absolute paths; raises as `load_config` does."""
    values = config.model_dump()
    if any(override.startswith("acquisition.strategy=") for override in overrides):
        values["acquisition"] = without_preset(values["acquisition"])
    for override in overrides:
        _apply_override(values, override)
    return absolute_paths(parse_config(values))


def faulty_config(source: object, error: ValidationError, near: Callable[[str], str] | Iterable[str] = ()) -> str:
    """The message of a ConfigError: a line for each fault; near: as for `field_faults`."""
    return f"{source}:\n" + "\n".join(f"  {fault}" for fault in field_faults(error, near=near))


def _meant(key: str) -> str:
    near = near_keys(key)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _apply_override(values: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    if not separator or not key:
        raise ConfigError(f"override {override!r} has no '=': write key.path=value, as in seed=1")
    try:
        value = load_yaml(text)
    except YamlError as error:
        raise ConfigError(f"override {override!r}: the value isn't valid YAML: {error}") from error
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

"""Every key of a config with its type, default and meaning, read from the models themselves."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from raymeta.config.experiment import ExperimentConfig
from raymeta.config.section import FILLED_IN, LocationMark

NAMES = {int: "whole number", float: "number", str: "text", bool: "true or false", NoneType: "none", Any: "any value"}


@dataclass(frozen=True)
class ConfigKey:
    """One key. name: its dotted path. kind: type and limits. default: as YAML writes it, None where it has none."""

    name: str
    kind: str
    default: str | None
    meaning: str


def config_keys(prefix: str = "", model: type[BaseModel] = ExperimentConfig) -> list[ConfigKey]:
    """The keys whose dotted path is the prefix or begins with it, section by section."""
    whole = prefix.strip(".")
    return [key for key in _walk(model, "") if whole in ("", key.name) or key.name.startswith(f"{whole}.")]


def near_keys(name: str) -> list[str]:
    """Known keys that an unknown one may have meant: the same word in another section, else those most like it."""
    known = [key.name for key in config_keys()]
    last = name.rpartition(".")[2]
    same = [key for key in known if key.rpartition(".")[2] == last]
    section = name.rpartition(".")[0]
    siblings = [key for key in known if key.rpartition(".")[0] == section]
    siblings += sorted({key.rpartition(".")[0] for key in known} - {""})
    return same or difflib.get_close_matches(name, siblings, n=2, cutoff=0.7) or _near_last(last, known)


def _near_last(last: str, known: Sequence[str]) -> list[str]:
    words = {key.rpartition(".")[2]: key for key in known}
    return [words[word] for word in difflib.get_close_matches(last, list(words), n=2, cutoff=0.75)]


def _walk(model: type[BaseModel], prefix: str) -> Iterator[ConfigKey]:
    for name, field in model.model_fields.items():
        section = _section(field.annotation)
        if section is not None:
            yield from _walk(section, f"{prefix}{name}.")
            continue
        default = None if field.is_required() else _yaml(_default(field))
        yield ConfigKey(prefix + name, _kind(field), default, field.description or "")


def _default(field: FieldInfo) -> Any:
    """What counts where the key and all others are left out."""
    extra = field.json_schema_extra
    if isinstance(extra, dict) and FILLED_IN in extra:
        return extra[FILLED_IN]
    return field.get_default(call_default_factory=True)


def _section(annotation: Any) -> type[BaseModel] | None:
    kinds = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]
    return next((kind for kind in kinds if issubclass(kind, BaseModel)), None)


def _kind(field: FieldInfo) -> str:
    limits = []
    for mark in field.metadata:
        for word, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
            if isinstance(mark, getattr(annotated_types, word.capitalize())):
                limits.append(f"{sign} {getattr(mark, word):g}" if abs(getattr(mark, word)) < 1e5 else "")
    is_place = any(isinstance(mark, LocationMark) for mark in field.metadata)
    kind = "path or URI" if is_place else _name(field.annotation)
    return " ".join([kind, *(limit for limit in limits if limit)])


def _name(annotation: Any) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " | ".join(map(str, parts))
    if origin is Annotated:
        return "path or URI" if any(isinstance(mark, LocationMark) for mark in parts[1:]) else _name(parts[0])
    if origin in (Union, UnionType):
        return " or ".join(_name(part) for part in sorted(parts, key=lambda part: part is NoneType))
    if origin in (list, tuple):
        return f"list of {_name(parts[0])}"
    if origin is dict:
        return f"mapping of {_name(parts[0])} to {_name(parts[1])}"
    return NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _yaml(value: Any) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)

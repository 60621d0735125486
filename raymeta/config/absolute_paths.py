"""The one place where relative paths of a config become absolute: they mean the folder where the command starts."""

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, TypeVar, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from raymeta.config.section import LocationMark
from raymeta.local_files import absolute_location

ModelT = TypeVar("ModelT", bound=BaseModel)


def absolute_paths(config: ModelT) -> ModelT:
    """The config with every `Location` made absolute, in all of its sections; URIs stay as they are.

    Raises:
        LocalFileError: a path that can't be, or relative ones in a submitted job; the message names each key.
    """
    return _absolute(config, "")


def location_keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Dotted paths of the keys whose values are places."""
    for name, field in model.model_fields.items():
        if _is_location(field):
            yield prefix + name
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from location_keys(field.annotation, f"{prefix}{name}.")


def same_place(kept: Any, now: Any) -> bool:
    """Whether a kept place is the one that is named now.

    raymeta 0.1 kept relative paths as they were written, and nothing tells where they started: they are the same place
    where the path of now ends as they do.
    """
    if kept == now or not isinstance(kept, str) or not isinstance(now, str) or "://" in kept:
        return bool(kept == now)
    path = PurePath(kept)
    return not path.is_absolute() and PurePath(now).parts[-len(path.parts) :] == path.parts


def _absolute(section: ModelT, prefix: str) -> ModelT:
    changed: dict[str, Any] = {}
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            changed[name] = _absolute(value, f"{prefix}{name}.")
        elif isinstance(value, list) and any(isinstance(part, BaseModel) for part in value):
            changed[name] = [_absolute(part, f"{prefix}{name}[{k}].") for k, part in enumerate(value)]
        elif isinstance(value, str) and _is_location(field):
            changed[name] = absolute_location(prefix + name, value)
    return section.model_copy(update={name: new for name, new in changed.items() if new != getattr(section, name)})


def _is_location(field: FieldInfo) -> bool:
    optional = [mark for kind in get_args(field.annotation) for mark in getattr(kind, "__metadata__", ())]
    return any(isinstance(mark, LocationMark) for mark in (*field.metadata, *optional))

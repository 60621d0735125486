"""What is wrong with a field that pydantic refuses, in words of ours: the field, what it must be, what it got."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from pydantic import ValidationError

from raymeta.argument_checks import nearest

KINDS: Final = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "tuple": "a list",
    "dict": "keys with values",
    "model": "keys with values",
    "uuid": "a UUID",
}
"""What a value must be, by the first word of pydantic's error types."""
LIMITS: Final = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "greater than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}
LENGTHS: Final = {
    "too_short": ("min_length", "at least", "entries"),
    "too_long": ("max_length", "at most", "entries"),
    "string_too_short": ("min_length", "at least", "characters"),
    "string_too_long": ("max_length", "at most", "characters"),
}
MAX_SHOWN: Final = 200
"""Characters of a value that are shown."""


def field_faults(
    error: ValidationError, whole: str = "(whole config)", near: Callable[[str], str] | Iterable[str] = ()
) -> list[str]:
    """One line for each fault.

    Args:
        error: what pydantic raised.
        whole: the name of what was validated, for faults of no field in particular.
        near: what an unknown field may have meant, as `; did you mean …?`; or the names of the known ones.
    """
    return [field_fault(fault, whole, near=near) for fault in error.errors()]


def field_fault(
    fault: Mapping[str, Any],
    whole: str = "(whole config)",
    *,
    near: Callable[[str], str] | Iterable[str] = (),
    skipped: int = 0,
    what: str = "key",
) -> str:
    """One fault, as in `box_width: must be at least 1 (got 0)`.

    Args:
        fault: an entry of `errors()`.
        whole, near: as for `field_faults`.
        skipped: parts of its place that tell nothing, as `query` of a parameter.
        what: what a field is called here, as `parameter`.
    """
    place = ".".join(str(part) for part in fault["loc"][skipped:])
    named = place or whole
    if fault["type"] == "extra_forbidden":
        meant = near(place) if callable(near) else nearest(place, near)
        return f"{named}: unknown {what}{meant or '; remove it or correct its name'}"
    if fault["type"] == "missing":
        return f"{named}: missing; give a value"
    got = fault["input"]
    if isinstance(got, dict) or (fault["type"] == "value_error" and not place):
        return f"{named}: {_wanted(fault)}"
    text = repr(got)
    return f"{named}: {_wanted(fault)} (got {text[:MAX_SHOWN]}{'…' if len(text) > MAX_SHOWN else ''})"


def _wanted(fault: Mapping[str, Any]) -> str:
    kind, context = str(fault["type"]), fault.get("ctx", {})
    if kind in LIMITS:
        key, words = LIMITS[kind]
        return f"must be {words} {context[key]:g}" if abs(context[key]) < 1e6 else f"must be {words} {context[key]}"
    if kind in LENGTHS:
        key, words, unit = LENGTHS[kind]
        count = context[key]
        one = {"entries": "entry", "characters": "character"}[unit]
        return f"must have {words} {count} {one if count == 1 else unit}"
    if kind in ("literal_error", "enum"):
        return _choices(context["expected"], fault["input"])
    if kind == "finite_number":
        return "must be a finite number"
    if kind == "value_error":
        return str(fault["msg"]).removeprefix("Value error, ")
    if kind == "string_type" and isinstance(fault["input"], (int, float)) and not isinstance(fault["input"], bool):
        return "must be text: put it in quotes"
    known = KINDS.get(kind.partition("_")[0])
    return f"must be {known}" if known and kind.endswith(("_type", "_parsing", "_from_float")) else str(fault["msg"])


def _choices(expected: str, got: Any) -> str:
    """Of a closed choice: all of them, and the nearest one."""
    choices = re.findall(r"'([^']*)'", expected)
    if not choices:
        return f"must be {expected}"
    words = choices[0] if len(choices) == 1 else f"{', '.join(choices[:-1])} or {choices[-1]}"
    return f"must be {words}" + (nearest(got, choices) if isinstance(got, str) else "")

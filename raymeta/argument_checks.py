"""What callers of the pure functions may pass: checked before numba or OpenCV meet it, whose errors name neither."""

import difflib
from collections.abc import Iterable
from typing import Any, Final, get_args

import numpy as np

from raymeta.errors import InputError

MAX_NUMBER: Final = 2**31 - 1
"""Pixels and counts are int32 in tables."""


def whole_number(name: str, value: Any, least: int = 0, most: int = MAX_NUMBER) -> int:
    """The value as a plain int; raises ValueError for bools, fractions, text, and what lies outside the bounds."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise InputError(f"{name} {value!r} isn't a whole number: give an int of at least {least}")
    if value < least:
        raise InputError(f"{name} {value} is below {least}: choose at least {least}")
    if value > most:
        raise InputError(f"{name} {value} is above {most}: choose at most {most}")
    return int(value)


def check_array(name: str, array: Any, kinds: str = "biuf") -> None:
    """Raise ValueError unless this is a numpy array of numbers; kinds: of dtypes, as numpy's `dtype.kind`."""
    if not isinstance(array, np.ndarray):
        raise InputError(f"{name} is a {type(array).__name__}: give a numpy array")
    if array.dtype.kind not in kinds:
        wanted = "numbers" if "f" in kinds else "integers"
        raise InputError(f"{name} has dtype {array.dtype}: give {wanted}")


def check_choice(name: str, value: Any, choices: Any) -> None:
    """Raise ValueError unless the value is one of those of a Literal type."""
    allowed = get_args(choices)
    if value not in allowed:
        raise InputError(f"{name} {value!r} is unknown: choose one of {', '.join(map(str, allowed))}")


def nearest(value: str, choices: Iterable[str]) -> str:
    """`; did you mean …?` where a choice is like the value, else nothing."""
    near = difflib.get_close_matches(value, list(choices), n=1)
    return f"; did you mean {near[0]}?" if near else ""

"""JSON from outside, and its values checked one by one."""

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raymeta.exchange.errors import ExchangeError, ShapeFault, printable, shown
from raymeta.exchange.limits import MAX_COORDINATE, MAX_JSON_CONTAINERS, MAX_JSON_TEXTS, MAX_POINTS

_MISSING = object()


def load_json(data: bytes, name: str) -> Any:
    """Parse the bytes of a JSON file in UTF-8 or UTF-16, with or without a byte order mark.

    Raises:
        ExchangeError: no JSON, with line and column, or nested absurdly deep.
    """
    if data.count(b"[") + data.count(b"{") > MAX_JSON_CONTAINERS or data.count(b'"') > 2 * MAX_JSON_TEXTS:
        raise ExchangeError(f"{name}: holds more than {MAX_JSON_CONTAINERS} lists and objects: not read; split it")
    try:
        return json.loads(data.decode(_encoding(data)))
    except UnicodeDecodeError as error:
        raise ExchangeError(f"{name}: isn't text in UTF-8 (byte {error.start}): save it as UTF-8") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ExchangeError(f"{name}: ends or breaks at {where} ({error.msg}): export it again") from None
    except RecursionError:
        raise ExchangeError(f"{name}: is nested too deeply: no tool writes such a file") from None
    except (ValueError, MemoryError) as error:
        raise ExchangeError(f"{name}: can't be read as JSON: {str(error)[:100]}") from None


def _encoding(data: bytes) -> str:
    encoding = json.detect_encoding(data)
    return "utf-8-sig" if encoding == "utf-8" else encoding


def member(entry: Any, key: str, default: Any = _MISSING) -> Any:
    """Value of a key; ShapeFault if the entry is no object, or the key is missing and has no default."""
    if not isinstance(entry, dict):
        raise ShapeFault(f"{shown(entry)} stands where an object belongs")
    value = entry.get(key, default)
    if value is _MISSING:
        raise ShapeFault(f"{key!r} is missing")
    return value


def mapping(entry: Any, key: str, default: Any = _MISSING) -> dict[str, Any]:
    """An object below a key; raises ShapeFault."""
    value = member(entry, key, default)
    if value is None and default is not _MISSING:
        return dict(default)
    if not isinstance(value, dict):
        raise ShapeFault(f"{key} {shown(value)} isn't an object")
    return value


def entries(entry: Any, key: str, default: Any = _MISSING) -> list[Any]:
    """A list below a key; raises ShapeFault."""
    value = member(entry, key, default)
    if value is None and default is not _MISSING:
        return list(default)
    if not isinstance(value, list):
        raise ShapeFault(f"{key} {shown(value)} isn't a list")
    return value


def text(entry: Any, key: str, default: Any = _MISSING) -> str:
    """Text below a key; raises ShapeFault."""
    value = member(entry, key, default)
    if not isinstance(value, str):
        raise ShapeFault(f"{key} {shown(value)} isn't text")
    return value


def short_text(value: Any, most: int = 200) -> str | None:
    """Text or a number as text for the record; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        return None
    if isinstance(value, int):
        return str(value) if abs(value) < 10**30 else None
    return printable(value[:most])


def whole(entry: Any, key: str, least: int = 0, most: int = 2**31 - 1) -> int:
    """A whole number below a key, 64.0 counts as 64; raises ShapeFault."""
    value = member(entry, key)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ShapeFault(f"{key} {shown(value)} isn't a whole number of {least} to {most}")
    return value


def number(value: Any, what: str = "coordinate") -> float:
    """A finite number of a bounded size; raises ShapeFault."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ShapeFault(f"{what} {shown(value)} isn't a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise ShapeFault(f"{what} {value!r} is no finite number")
    if abs(value) > MAX_COORDINATE:
        raise ShapeFault(f"{what} {shown(value)} lies beyond {MAX_COORDINATE:.0f} px")
    return float(value)


def seconds_of(value: Any) -> float | None:
    """A duration in seconds; None where it is unknown or makes no sense."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value < 10**9 else None


def point_list(values: Any) -> NDArray[np.float64]:
    """A ring from [[x, y], …]; raises ShapeFault unless these are at least 3 points of finite numbers.

    Returns:
        (N, 2) float64, x before y.
    """
    if not isinstance(values, list):
        raise ShapeFault(f"points {shown(values)} are no list of [x, y]")
    flat: list[Any] = []
    for point in values:
        if not isinstance(point, list) or len(point) != 2:
            raise ShapeFault(f"point {shown(point)} is no [x, y]")
        flat += point
    return flat_ring(flat)


def flat_ring(values: Any) -> NDArray[np.float64]:
    """A ring from [x, y, x, y, …]; raises ShapeFault unless these are at least 3 points of finite numbers.

    Returns:
        (N, 2) float64, x before y.
    """
    if not isinstance(values, list) or len(values) % 2:
        raise ShapeFault(f"points {shown(values)} are no list of x, y, x, y, …")
    if len(values) < 6:
        raise ShapeFault(f"{len(values) // 2} points make no area: at least 3 do")
    if len(values) > 2 * MAX_POINTS:
        raise ShapeFault(f"{len(values) // 2} points: at most {MAX_POINTS} are read")
    return np.array([number(value) for value in values], dtype=np.float64).reshape(-1, 2)

"""Faults of many files in few lines: what they share is named once, three of them are shown."""

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

MAX_SHOWN: Final = 3

_NUMBER = re.compile(r"\d+([-,…×] ?\d+)*")


def grouped_faults(faults: Sequence[str]) -> list[str]:
    """Lines as `file: what is wrong`, those that say the same of files in one folder taken together.

    Up to three of a kind stay as they are. Groups stand where their first line stood.
    """
    groups: dict[object, list[str]] = {}
    for fault in faults:
        groups.setdefault(_kind(fault), []).append(fault)
    lines: list[str] = []
    for group in groups.values():
        if len(group) <= MAX_SHOWN:
            lines.extend(group)
            continue
        name, _, what = group[0].partition(": ")
        folder, suffix = name.rpartition("/")[0], PurePath(name).suffix
        names = ", ".join(PurePath(fault.partition(": ")[0]).name for fault in group[:MAX_SHOWN])
        lines.append(f"{folder}: {len(group)} {suffix} files ({names}, …), of the first: {what}")
    return lines


def _kind(fault: str) -> object:
    name, colon, what = fault.partition(": ")
    if not colon or "/" not in name:
        return fault
    path = PurePath(name)
    # Messages name sizes, values and sometimes the file once more.
    return path.parent, path.suffix, _NUMBER.sub("#", what.replace(path.stem, "<name>"))

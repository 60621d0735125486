"""docs/method.md as data: its headings, the slugs that GitHub makes of them, and the blocks of its worked examples."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "method.md"
HEADING = re.compile(r"^(#{1,6}) ([^\n]+)$", re.MULTILINE)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def slug(heading):
    """What GitHub makes of a heading: lower case, no punctuation, hyphens for spaces."""
    kept = [c for c in heading.lower() if c in "- " or unicodedata.category(c)[0] in "LM" or _is_word(c)]
    return "".join(kept).replace(" ", "-")


def _is_word(character):
    """Decimal digits and underscores; unlike Python's `\\w`, without superscripts and fractions."""
    return unicodedata.category(character) in ("Nd", "Pc")


def headings(text, level=None):
    """Headings outside fenced blocks, in order; of one level, or all."""
    found = HEADING.findall(FENCE.sub("", text))
    return [name for marks, name in found if level in (None, len(marks))]


def examples(text):
    """The `text` blocks below each heading that has some, without the trailing newline."""
    blocks, heading = {}, None
    for piece in re.finditer(f"{FENCE.pattern}|{HEADING.pattern}", text, FENCE.flags):
        kind, block, _, name = piece.groups()
        if name is not None:
            heading = name
        elif kind == "text":
            blocks.setdefault(heading, []).append(block.removesuffix("\n"))
    return blocks


def number(value, places=4):
    """A number as the page prints it: rounded, without trailing zeros, and no minus before 0."""
    text = f"{float(value):.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def cell(value):
    return "-" if value == 255 else number(value)


def mark(value):
    return "#" if value else "."


def grid(values, show: Callable = cell):
    """An array as lines of equally wide cells."""
    rows = [[show(value) for value in row] for row in np.asarray(values)]
    width = max(len(text) for row in rows for text in row)
    return [" ".join(text.ljust(width) for text in row).rstrip() for row in rows]


def side_by_side(titles: Sequence[str], columns: Sequence[list[str]], gap="   "):
    """Columns of lines under their titles."""
    full = [[title, *lines] for title, lines in zip(titles, columns, strict=True)]
    widths = [max(map(len, lines)) for lines in full]
    height = max(map(len, full))
    rows = [
        gap.join((lines[i] if i < len(lines) else "").ljust(width) for lines, width in zip(full, widths, strict=True))
        for i in range(height)
    ]
    return "\n".join(row.rstrip() for row in rows)


def grids(show: Callable = cell, /, **arrays):
    """Arrays side by side; underscores in a name become spaces."""
    titles = [name.replace("__", " ") for name in arrays]
    return side_by_side(titles, [grid(values, show) for values in arrays.values()])

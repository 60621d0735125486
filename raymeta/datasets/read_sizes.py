"""In which size images are read: that of the files, one for all, or each shrunk by its longer side."""

from dataclasses import dataclass
from math import gcd
from typing import Final

from raymeta.config import DatasetConfig

EXACT_FROM: Final = 0.9
"""Share of the longest side that an image may fall short of where both sides then shrink by the same factor."""


@dataclass(frozen=True)
class ReadSize:
    """fixed: (height, width) of all images. max_side: of the longer side, in pixels. Without both that of the files."""

    fixed: tuple[int, int] | None = None
    max_side: int | None = None

    @classmethod
    def in_config(cls, config: DatasetConfig) -> "ReadSize":
        """What the keys of `dataset` say."""
        fixed = None if config.height is None or config.width is None else (config.height, config.width)
        return cls(fixed, config.max_side)

    def of(self, height: int, width: int) -> tuple[int, int]:
        """Height and width in which an image of a file is read, in pixels.

        Both sides shrink by the same factor where that leaves most of the longest side, so that what people draw on
        the file's pixels maps back exactly; else the shorter side is rounded.
        """
        if self.fixed is not None:
            return self.fixed
        longer = max(height, width)
        if self.max_side is None or longer <= self.max_side:
            return height, width
        divisor = gcd(height, width)
        unit = longer // divisor
        parts = self.max_side // unit
        if parts * unit >= EXACT_FROM * self.max_side:
            return height // divisor * parts, width // divisor * parts
        return _rounded(height, self.max_side, longer), _rounded(width, self.max_side, longer)


def _rounded(side: int, most: int, longer: int) -> int:
    """Side · most / longer, to the nearest whole number, at least 1."""
    return max(1, (2 * side * most + longer) // (2 * longer))

"""Classes of a data set, and which values of its label files stand for them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.sample import IGNORED, DatasetError

_UNKNOWN = -1


@dataclass(frozen=True, eq=False)
class ClassList:
    """Names, colours and file values of the evaluated classes.

    names: C class names, in the order of their train ids.
    palette: (C, 3) uint8 RGB.
    train_ids: file value → train id 0..C-1, or 255 for values that are not evaluated; other values are faults.
    """

    names: tuple[str, ...]
    palette: NDArray[np.uint8]
    train_ids: Mapping[int, int]

    def unknown_values(self, file_values: NDArray[np.uint8]) -> list[int]:
        """Sorted values of a label file, (H, W) uint8, that the class list doesn't hold."""
        present = np.flatnonzero(np.bincount(file_values.ravel(), minlength=256))
        return [int(value) for value in present if int(value) not in self.train_ids]

    def to_train_ids(self, file_values: NDArray[np.uint8], source: object) -> NDArray[np.uint8]:
        """Train ids of a label file's values.

        file_values: (H, W) uint8. Returns (H, W) uint8, 255 ignored.

        Raises:
            DatasetError: values outside the class list; `source` names the file.
        """
        table = np.full(256, _UNKNOWN, dtype=np.int16)
        for value, train_id in self.train_ids.items():
            table[value] = train_id
        train_ids = table[file_values]
        if (train_ids == _UNKNOWN).any():
            raise DatasetError(self.describe_unknown(self.unknown_values(file_values), source))
        return train_ids.astype(np.uint8)

    def describe_unknown(self, values: list[int], source: object) -> str:
        """The message about values outside the class list."""
        shown = ", ".join(map(str, values[:20])) + (", …" if len(values) > 20 else "")
        return (
            f"{source}: label values {shown} are outside the class list ({_ranges(self.train_ids)}): "
            "correct the label map or the class list"
        )


def _ranges(values: Iterable[int]) -> str:
    """`0-3, 7` for 0, 1, 2, 3, 7."""
    parts: list[list[int]] = []
    for value in sorted(values):
        if parts and value == parts[-1][1] + 1:
            parts[-1][1] = value
        else:
            parts.append([value, value])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def consecutive_classes(names: tuple[str, ...], colors: list[tuple[int, int, int]], void: tuple[int, ...]) -> ClassList:
    """Classes whose file values are 0..C-1, beside the values of void."""
    train_ids = {value: value for value in range(len(names))} | dict.fromkeys(void, IGNORED)
    return ClassList(names, np.array(colors, dtype=np.uint8), train_ids)

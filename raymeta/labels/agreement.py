"""How far two answers to one task agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from raymeta.labels.answer_files import AnswerRecord
from raymeta.schemas import IGNORE


@dataclass(frozen=True)
class Agreement:
    """Two answers compared where both have a class.

    answers: their ids. pixels: in which both have a class. equal: share of those with the same class. miou: mean over
    the classes that one of both has there. Both None where no pixel has a class in both. within: as `share_within`.
    """

    answers: tuple[str, str]
    pixels: int
    equal: float | None
    miou: float | None
    within: float | None


def agreement(first: AnswerRecord, second: AnswerRecord, tolerance: int) -> Agreement:
    """Compare two answers to the same task; tolerance: in pixels, of `share_within`."""
    one, other = first.labels(), second.labels()
    pixels, equal, miou = compare_labels(one, other)
    return Agreement((first.id, second.id), pixels, equal, miou, share_within(one, other, tolerance))


def agreements(answers: Sequence[AnswerRecord], tolerance: int) -> list[Agreement]:
    """All pairs, in the order of the answers."""
    return [agreement(first, second, tolerance) for first, second in combinations(answers, 2)]


def share_within(first: NDArray[np.uint8], second: NDArray[np.uint8], tolerance: int) -> float | None:
    """Share of the pixels in which two answers agree up to the place of their outlines.

    In a pixel they agree if the class that the first has there lies in the second at most `tolerance` rows and columns
    away, and the other way round. So an outline may be drawn beside the other's, while an object that one of both lacks
    counts wholly, however thin it is. 255 counts as a class here; pixels that are 255 in both don't count.

    Args:
        first: (h, w) uint8 class ids, 255 where there is none.
        second: of the same shape.
        tolerance: in pixels.

    Returns:
        None where nothing has a class in either.
    """
    import cv2

    counted = has_class(first, second)
    if not counted.any():
        return None
    window = np.ones((2 * tolerance + 1, 2 * tolerance + 1), np.uint8)
    found = np.zeros(first.shape, np.uint8)  # 1: the first's class is near in the second, 2: the other way round
    for value in np.union1d(first, second):
        one, other = first == value, second == value
        found[one & (cv2.dilate(other.astype(np.uint8), window) > 0)] |= 1
        found[other & (cv2.dilate(one.astype(np.uint8), window) > 0)] |= 2
    return float(np.count_nonzero((found == 3) & counted) / np.count_nonzero(counted))


def has_class(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels that have a class in one of two answers or in both."""
    known: NDArray[np.bool_] = (first != IGNORE) | (second != IGNORE)
    return known


def compare_labels(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> tuple[int, float | None, float | None]:
    """Pixels that have a class in both, the share of them that is equal, and the mIoU over them.

    first, second: (h, w) uint8 class ids, 255 where there is none.
    """
    return ClassOverlap.of(first, second).shares()


@dataclass(frozen=True)
class ClassOverlap:
    """Of pixels that have a class in both of two answers: how many have it in both, and how many in one of them, (256,)
    int64 each. Sums of several tasks are one again."""

    hits: NDArray[np.int64]
    union: NDArray[np.int64]

    @classmethod
    def of(cls, first: NDArray[np.uint8], second: NDArray[np.uint8]) -> "ClassOverlap":
        """first, second: (h, w) uint8 class ids, 255 where there is none."""
        known = (first != IGNORE) & (second != IGNORE)
        one, other = first[known], second[known]
        hits = np.bincount(one[one == other], minlength=256)
        return cls(hits, np.bincount(one, minlength=256) + np.bincount(other, minlength=256) - hits)

    def __add__(self, other: "ClassOverlap") -> "ClassOverlap":
        return ClassOverlap(self.hits + other.hits, self.union + other.union)

    def shares(self) -> tuple[int, float | None, float | None]:
        """Pixels, the share of them that is equal, and the mIoU over the classes that are there."""
        equal = int(self.hits.sum())
        pixels = (int(self.union.sum()) + equal) // 2  # one that differs is in the union of two classes
        if not pixels:
            return 0, None, None
        present = self.union > 0
        return pixels, equal / pixels, float((self.hits[present] / self.union[present]).mean())

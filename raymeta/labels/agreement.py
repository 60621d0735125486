"""How far two answers to one task agree."""

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
    the classes that one of both has there. Both None where no pixel has a class in both.
    """

    answers: tuple[str, str]
    pixels: int
    equal: float | None
    miou: float | None


def agreement(first: AnswerRecord, second: AnswerRecord) -> Agreement:
    """Compare two answers to the same task."""
    pixels, equal, miou = compare_labels(first.labels(), second.labels())
    return Agreement((first.id, second.id), pixels, equal, miou)


def agreements(answers: list[AnswerRecord]) -> list[Agreement]:
    """All pairs, in the order of the answers."""
    return [agreement(first, second) for first, second in combinations(answers, 2)]


def compare_labels(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> tuple[int, float | None, float | None]:
    """Pixels that have a class in both, the share of them that is equal, and the mIoU over them.

    first, second: (h, w) uint8 class ids, 255 where there is none.
    """
    known = (first != IGNORE) & (second != IGNORE)
    pixels = int(np.count_nonzero(known))
    if not pixels:
        return 0, None, None
    one, other = first[known], second[known]
    same = one == other
    hits = np.bincount(one[same], minlength=256)
    union = np.bincount(one, minlength=256) + np.bincount(other, minlength=256) - hits
    present = union > 0
    return pixels, float(np.count_nonzero(same) / pixels), float((hits[present] / union[present]).mean())

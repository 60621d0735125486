"""Where the labels of a map change along its rows: what segments and borders of classes are found by."""

import numpy as np
from numpy.typing import NDArray

from raymeta.compilation import njit


def run_starts(label_map: NDArray[np.uint8]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The runs of equal labels of every row.

    label_map: (H, W) uint8.

    Returns:
        int32 first column of each run, and W at the end of each row; (H + 1,) int64, entry with which each row begins.
    """
    first = np.zeros(len(label_map) + 1, dtype=np.int64)
    _count_entries(label_map, first)
    starts = np.empty(first[-1] + 1, dtype=np.int32)  # one more, where the place behind the last is tried
    _find_runs(label_map, starts)
    return starts[:-1], first


@njit(cache=True, nogil=True, boundscheck=False)
def _count_entries(label_map, first):  # type: ignore[no-untyped-def]
    """Fill `first`: a pass that costs less than the pages of room for the most there can be."""
    for row in range(label_map.shape[0]):
        before, here = label_map[row, :-1], label_map[row, 1:]
        changes = np.int32(0)
        for col in range(here.shape[0]):
            changes += np.int32(here[col] != before[col])
        first[row + 1] = first[row] + changes + 2


@njit(cache=True, nogil=True, boundscheck=False)
def _find_runs(label_map, starts):  # type: ignore[no-untyped-def]
    """Fill `starts`.

    Most eights of pixels hold no start, which one comparison of a word tells. In those that hold one there is no
    branch, since its place can't be foreseen.
    """
    height, width = label_map.shape
    words = np.zeros((width + 7) // 8, np.uint64)
    begins = words.view(np.uint8)
    behind_first = begins[1:width]
    found = 0
    for row in range(height):
        before, here = label_map[row, : width - 1], label_map[row, 1:]
        for col in range(behind_first.shape[0]):
            behind_first[col] = np.uint8(here[col] != before[col])
        starts[found] = 0
        found += 1
        for word in range(words.shape[0]):
            if words[word] != 0:
                for col in range(8 * word, 8 * word + 8):
                    starts[found] = col
                    found += np.int64(begins[col])
        starts[found] = width
        found += 1

"""The borders of all class regions of a label map, followed in one pass (docs/method.md#estimated-clicks).

Suzuki and Abe: Topological structural analysis of digitized binary images by border following (1985). A border is the
same list of points as OpenCV's `findContours(RETR_CCOMP, CHAIN_APPROX_NONE)` gives for the class alone.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from raymeta.compilation import njit
from raymeta.label_runs import run_starts
from raymeta.schemas import IGNORE

RIGHT: Final = 0
LEFT: Final = 4
"""Directions count counter-clockwise from the right, in steps of 45 degrees."""

FRESH: Final = 0
"""No border has passed the pixel."""
PASSED: Final = 1
RIGHT_PASSED: Final = 2
"""A border has passed it and seen that its right neighbour is of another class: no new hole begins there."""


def class_borders(label_map: NDArray[np.uint8]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Outer borders of all 8-connected class regions, and borders of their holes.

    label_map: (H, W) uint8 class ids; 255 is no class.

    Returns:
        (N, 2) int32 points, x before y, and (K+1,) int64: border k has the points from the k-th of them to the next.
    """
    padded = np.pad(label_map, 1, constant_values=IGNORE)
    width = padded.shape[1]
    # Unsigned, where a step back wraps around: an index that might be negative is tested each time.
    steps = np.array([1, 1 - width, -width, -width - 1, -1, width - 1, width, width + 1]).astype(np.uint64)
    labels = padded.reshape(-1)
    starts, _ = run_starts(padded.reshape(1, -1))
    ends = (starts[1:-1] - 1).astype(np.uint64)
    return _follow_all(labels, width, steps, ends, np.zeros(labels.size, np.uint8))


@njit(cache=True, nogil=True, boundscheck=False)
def _follow_all(labels, width, steps, ends, marks):  # type: ignore[no-untyped-def]
    """Borders of padded labels, (H+2)·width of them in raster order.

    steps: (8,) from a pixel to its neighbours, by direction. ends: last pixels of runs of equal labels; a hole may
    begin there, and a region behind it. marks: FRESH for each pixel.
    """
    turns = _turns()
    pixels = np.empty(max(1024, len(labels) // 8), np.uint64)
    starts = np.zeros(1024, np.int64)
    count = borders = 0
    for pixel in ends:
        for side, begin in ((RIGHT, pixel), (LEFT, pixel + np.uint64(1))):
            known = marks[begin] == RIGHT_PASSED if side == RIGHT else marks[begin] != FRESH
            if known or labels[begin] == IGNORE:
                continue
            end = _follow(labels, steps, turns, marks, begin, side, pixels, count)
            while end < 0:
                pixels = np.concatenate((pixels, np.empty(len(pixels), np.uint64)))
                end = _follow(labels, steps, turns, marks, begin, side, pixels, count)
            count = end
            borders += 1
            if borders == len(starts):
                starts = np.concatenate((starts, np.zeros(len(starts), np.int64)))
            starts[borders] = count
    points = np.empty((count, 2), np.int32)
    for index in range(count):
        row = np.int32(pixels[index]) // np.int32(width)
        points[index, 0] = pixels[index] - row * width - 1
        points[index, 1] = row - 1
    return points, starts[: borders + 1].copy()


@njit(cache=True, nogil=True)
def _turns():  # type: ignore[no-untyped-def]
    """(2048,): for the neighbours of a pixel's label, a bit each, times 8 and a direction: the next one that is of its
    label, counter-clockwise behind that direction, and 8 more where the right neighbour was passed over."""
    turns = np.zeros(2048, np.int64)
    for neighbours in range(1, 256):
        for back in range(8):
            direction, passed = (back + 1) & 7, 0
            while not neighbours >> direction & 1:
                passed |= 8 if direction == RIGHT else 0
                direction = (direction + 1) & 7
            turns[neighbours * 8 + back] = direction | passed
    return turns


@njit(cache=True, nogil=True, boundscheck=False)
def _follow(labels, steps, turns, marks, begin, side, pixels, count):  # type: ignore[no-untyped-def]
    """Write the pixels of one border to `pixels` from `count` on; gives the new count, -1 where there is no more room.

    begin: a pixel whose neighbour in the direction `side` is outside. Marks don't lead it, so that it may be repeated.
    """
    label = labels[begin]
    if count == len(pixels):
        return -1
    direction = side
    while True:
        direction = (direction - 1) & 7
        if direction == side:
            marks[begin] = RIGHT_PASSED  # a pixel alone
            pixels[count] = begin
            return count + 1
        if labels[begin + steps[direction]] == label:
            break
    last, pixel = begin + steps[direction], begin
    while count < len(pixels):
        neighbours = 0
        for towards in range(8):
            neighbours |= np.int64(labels[pixel + steps[towards]] == label) << towards
        turn = turns[neighbours * 8 + direction]
        direction = turn & 7
        marks[pixel] = max(marks[pixel], np.uint8(1 + (turn >> 3)))
        pixels[count] = pixel
        count += 1
        following = pixel + steps[direction]
        if following == begin and pixel == last:
            return count
        pixel, direction = following, (direction + 4) & 7
    return -1

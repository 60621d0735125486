"""Adjusted IoU of predicted segments with a target (docs/method.md#adjusted-iou)."""

import numpy as np
from numpy.typing import NDArray

from raymeta.compilation import njit
from raymeta.metaseg.row_runs import RowRuns, row_runs
from raymeta.metaseg.segments import Segments
from raymeta.schemas import IGNORE


def adjusted_iou(segments: Segments, target: NDArray[np.uint8]) -> NDArray[np.float64]:
    """IoU of every segment, where target pixels covered by another segment of the class don't count.

    `I / (size + F)` with `I` the pixels of the segment that the target gives its class, and `F` the pixels of all
    8-connected components of {target = class, prediction ≠ class} that touch the segment; 0 where I = 0.

    segments: of the prediction, ignored wherever the target is. target: (H, W) uint8, 255 = ignored.
    Returns (S,) float64.
    """
    predicted = segments.runs
    # The target where the prediction differs: or-ing 255 makes ignored what agrees.
    agrees = np.equal(segments.label_map, target).view(np.uint8)
    missed = row_runs(np.bitwise_or(target, np.negative(agrees, out=agrees), out=agrees))
    wrong, pairs = _compare(*_arrays(predicted), segments.count, *_arrays(missed), len(missed.sizes))
    segment, component = np.divmod(np.unique(pairs), len(missed.sizes))
    missed_pixels = np.zeros(segments.count + 1, dtype=np.int64)
    np.add.at(missed_pixels, segment, missed.sizes[component])
    hits = predicted.sizes - wrong
    return np.where(hits > 0, hits / np.maximum(predicted.sizes + missed_pixels, 1), 0.0)[1:]


def _arrays(runs: RowRuns) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.uint8], NDArray[np.int32]]:
    return runs.starts, runs.first, runs.labels, runs.components


@njit(cache=True, nogil=True)
def _compare(  # type: ignore[no-untyped-def]
    starts, first, labels, segments, count, missed_starts, missed_first, missed_labels, missed, base
):
    """Where predicted and missed runs meet: see `_arrays` for either.

    Returns:
        (count + 1,) int64, pixels of each segment that the target gives another class; and int64
        `segment * base + component` of 8-neighbours of equal class, where a pair can come several times.
    """
    height = len(first) - 1
    wrong = np.zeros(count + 1, dtype=np.int64)
    last_segment = np.zeros(base, dtype=np.int32)  # spares most of the repeated pairs
    # In a row, n runs and m missed ones of which each touches one more on either side: fewer than n + 3·m pairs.
    pairs = np.empty(3 * (len(starts) + 3 * len(missed_starts)), dtype=np.int64)
    known = 0
    for row in range(height):
        for y in range(max(row - 1, 0), min(row + 2, height)):
            run, last_run = first[y], first[y + 1] - 1
            for one in range(missed_first[row], missed_first[row + 1] - 1):
                label, component = missed_labels[one], missed[one]
                if label == np.uint8(IGNORE):
                    continue
                start, end = missed_starts[one], missed_starts[one + 1]
                while run < last_run and starts[run + 1] < start:
                    run += 1
                near = run
                while near < last_run and starts[near] <= end:
                    if labels[near] == label:
                        if last_segment[component] != segments[near]:
                            last_segment[component] = segments[near]
                            pairs[known] = np.int64(segments[near]) * base + component
                            known += 1
                    elif y == row:
                        wrong[segments[near]] += max(0, min(end, starts[near + 1]) - max(start, starts[near]))
                    near += 1
    return wrong, pairs[:known].copy()

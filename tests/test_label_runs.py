"""Runs of equal labels, found eight pixels at a time: widths around multiples of eight, changes at every place."""

import numpy as np
import pytest

from raymeta.label_runs import run_starts


def slow_starts(label_map):
    starts, first = [], [0]
    for line in label_map.tolist():
        starts += [col for col in range(len(line)) if col == 0 or line[col] != line[col - 1]] + [len(line)]
        first.append(len(starts))
    return starts, first


@pytest.mark.parametrize("width", [1, 2, 7, 8, 9, 16, 17, 63, 65])
@pytest.mark.parametrize("labels", [1, 2, 255])
def test_runs_start_where_labels_change(width, labels):
    label_map = np.random.default_rng(width).integers(0, labels, (5, width), dtype=np.uint8)
    starts, first = run_starts(label_map)
    assert (starts.dtype, first.dtype) == (np.int32, np.int64)
    assert (starts.tolist(), first.tolist()) == slow_starts(label_map)


@pytest.mark.parametrize("col", range(1, 20))
def test_one_change_is_found_at_every_place(col):
    label_map = np.zeros((2, 20), np.uint8)
    label_map[1, col:] = 1
    assert run_starts(label_map)[0].tolist() == [0, 20, 0, col, 20]

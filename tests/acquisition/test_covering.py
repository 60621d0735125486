"""Images that cover a pool, on points where the answer can be seen."""

import numpy as np
import pytest

from raymeta.acquisition.covering import k_centre_images, k_means_images


def column(*values):
    return np.array(values, dtype=np.float32)[:, None]


def test_k_centre_by_hand():
    # From 0 the farthest is 10; then 1 and 9 are equally near to them, and 1 comes first.
    assert k_centre_images(column(0, 1, 9, 10), 3, first=0) == [0, 3, 1]
    assert k_centre_images(column(5, 5, 5), 3, first=1) == [1, 0, 2]  # images that are alike, each once


def test_k_means_takes_the_middle_of_each_cluster_large_ones_first():
    points = column(100, 0, 1, 2, 50, 51.5, 52, 103)  # of 0, 1, 2 and of 50, 51.5, 52 each the middle one
    found = k_means_images(points, 3, seed=0)
    assert sorted(found[:2]) == [2, 5]
    assert found[2] in (0, 7)


@pytest.mark.parametrize("count", [1, 3, 4])
def test_k_means_gives_as_many_images_as_are_wanted_when_images_are_alike(count):
    found = k_means_images(column(1, 1, 2, 2), count, seed=3)
    assert len(set(found)) == count


def test_every_seed_is_repeatable():
    points = np.random.default_rng(0).normal(size=(60, 5))
    for seed in range(3):
        assert k_means_images(points, 6, seed) == k_means_images(points.copy(), 6, seed)

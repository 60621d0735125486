"""Sums over boxes at chosen corners equal the aggregated map at these corners, bit for bit."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from raymeta.acquisition.aggregated_maps import aggregate
from raymeta.acquisition.box_features import lattice
from raymeta.acquisition.cell_sums import sums_at


def test_by_hand():
    values = np.arange(20, dtype=np.uint8).reshape(4, 5)
    # Boxes of 2×2 at row 1 and columns 0 and 3: 5 + 6 + 10 + 11 and 8 + 9 + 13 + 14.
    assert sums_at(values, np.array([1]), np.array([0, 3]), 2).tolist() == [[32, 44]]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), height=st.integers(6, 60), width=st.integers(6, 70), b=st.integers(1, 6))
def test_equal_the_aggregated_map(seed, height, width, b):
    rng = np.random.default_rng(seed)
    tops = np.unique(rng.integers(0, height - b + 1, 5))
    lefts = lattice(width, b)
    for values in (
        (rng.integers(0, (1 << 24) + 1, (height, width)) / (1 << 24)).astype(np.float32),
        rng.integers(0, 256, (height, width)).astype(np.uint8),
    ):
        assert np.array_equal(sums_at(values, tops, lefts, b), aggregate(values, b)[np.ix_(tops, lefts)])

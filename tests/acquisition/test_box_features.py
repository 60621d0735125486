"""Features of boxes, beside a slow count of each."""

import cc3d
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raymeta.acquisition.box_features import FEATURES, box_features, feature_names, lattice, tiling
from raymeta.annotation.clicks import ring_changes


def components_minus_holes(labels):
    """Of every label by itself: 8-connected components, less the 4-connected parts of the rest that touch no border."""
    total = 0
    for label in np.unique(labels):
        region = (labels == label).astype(np.uint8)
        _, parts = cc3d.connected_components(region, connectivity=8, return_N=True)
        rest = np.pad(1 - region, 1, constant_values=1)
        _, outside = cc3d.connected_components(rest, connectivity=4, return_N=True)
        total += parts - (outside - 1)
    return total


def slow_features(labels, clicks, entropy, top, left, b, classes):
    box = np.s_[top : top + b, left : left + b]
    inside = labels[box]
    changes = (inside[:, 1:] != inside[:, :-1]).sum() + (inside[1:] != inside[:-1]).sum()
    shares = [(inside == c).mean() for c in range(classes)]
    return [
        clicks[box].sum(),
        ring_changes(inside),
        changes,
        components_minus_holes(inside),
        entropy[box].mean(dtype=np.float64),
        *shares,
    ]


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), b=st.integers(2, 6), classes=st.integers(2, 4))
def test_equals_the_slow_count(seed, b, classes):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, (9, 12)).astype(np.uint8)
    clicks = rng.integers(0, 2, labels.shape).astype(np.uint8)
    entropy = (rng.integers(0, 1 << 24, labels.shape) / (1 << 24)).astype(np.float32)
    tops, lefts = lattice(9, b), lattice(12, b)
    found = box_features(labels, clicks, entropy, tops, lefts, b, classes)
    expected = [slow_features(labels, clicks, entropy, top, left, b, classes) for top in tops for left in lefts]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_by_hand():
    labels = np.array([[0, 0, 1], [0, 1, 1], [2, 2, 1]], np.uint8)
    clicks = np.eye(3, dtype=np.uint8)
    entropy = np.full((3, 3), 0.5, np.float32)
    row = box_features(labels, clicks, entropy, np.array([0]), np.array([0]), 3, 3)[0]
    # Ring 0 0 1 1 1 2 2 0: three changes. Side by side: 1 + 1 + 1; one above the other: 1 + 2 + 0.
    assert dict(zip(feature_names(3), row, strict=True)) == pytest.approx(
        {
            "estimated_clicks": 3, "ring_changes": 3, "inner_changes": 6, "components": 3, "entropy": 0.5,
            "class_share_0": 3 / 9, "class_share_1": 4 / 9, "class_share_2": 2 / 9,
        }
    )  # fmt: skip


def test_a_hole_is_taken_away():
    labels = np.zeros((5, 5), np.uint8)
    labels[2, 2] = 1
    zeros = np.zeros((5, 5))
    row = box_features(labels, zeros.astype(np.uint8), zeros.astype(np.float32), np.array([0]), np.array([0]), 5, 2)[0]
    assert row[FEATURES.index("components")] == 1  # two components and a hole


def test_lattice_and_tiling():
    assert lattice(40, 24).tolist() == [0, 3, 6, 9, 12, 15, 16]
    assert lattice(24, 24).tolist() == [0]
    assert lattice(6, 3).tolist() == [0, 1, 2, 3]
    assert tiling(50, 24).tolist() == [0, 24]


def test_boxes_of_one_pixel_are_refused():
    bytes_, floats = np.zeros((3, 3), np.uint8), np.zeros((3, 3), np.float32)
    with pytest.raises(ValueError, match="box_width 1"):
        box_features(bytes_, bytes_, floats, np.array([0]), np.array([0]), 1, 2)

"""The corner rule against a slow reference, hand-computed cases, and planar partitions with slanting borders."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planar import random_partition

from raymeta.exchange.drawn_pictures import DrawnShape
from raymeta.exchange.outlines import find_outlines, mask_rings, signed_area
from raymeta.exchange.planar_shapes import with_slits, without_holes
from raymeta.exchange.rasterizer import fill_rings, paint


def slow_fill(rings: list[np.ndarray], height: int, width: int) -> np.ndarray:
    """Row by row: sorted crossings in pairs [a, b) are the columns ceil(a - 0.5) .. ceil(b - 0.5) - 1."""
    mask = np.zeros((height, width), bool)
    for row in range(height):
        y = row + 0.5
        crossings = []
        for ring in rings:
            for start, end in zip(ring, np.roll(ring, -1, axis=0), strict=True):
                (y1, x1), (y2, x2) = sorted([(float(start[1]), float(start[0])), (float(end[1]), float(end[0]))])
                if (y1 <= y) != (y2 <= y):
                    crossings.append(x1 + (y - y1) * (x2 - x1) / (y2 - y1))
        crossings.sort()
        for a, b in zip(crossings[::2], crossings[1::2], strict=True):
            for col in range(width):
                if math.ceil(a - 0.5) <= col <= math.ceil(b - 0.5) - 1:
                    mask[row, col] = True
    return mask


coordinates = st.one_of(
    st.integers(-3, 12).map(float),
    st.integers(-6, 24).map(lambda value: value / 2),
    st.floats(-20, 30, allow_nan=False, width=32),
)
rings = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=9).map(lambda each: np.array(each, float))


@settings(max_examples=300)
@given(st.lists(rings, min_size=1, max_size=3), st.integers(1, 9), st.integers(1, 9))
def test_equals_the_slow_reference(shape: list[np.ndarray], height: int, width: int) -> None:
    np.testing.assert_array_equal(fill_rings(shape, height, width), slow_fill(shape, height, width))


@given(st.lists(rings, min_size=1, max_size=3))
def test_union_is_the_union_of_its_rings(shape: list[np.ndarray]) -> None:
    expected = np.zeros((8, 9), bool)
    for ring in shape:
        expected |= slow_fill([ring], 8, 9)
    np.testing.assert_array_equal(fill_rings(shape, 8, 9, fill="union"), expected)


@settings(max_examples=200)
@given(st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=6))
def test_a_cut_along_any_line_leaves_no_gap(cut: list[tuple[float, float]]) -> None:
    """Two shapes with a shared border cover each pixel once, whichever way each runs along it."""
    line = np.array([(5.0, -1.0), *sorted(cut, key=lambda point: point[1]), (6.0, 13.0)])
    left = np.concatenate([line, [(-40.0, 13.0), (-40.0, -1.0)]])
    right = np.concatenate([line[::-1], [(50.0, -1.0), (50.0, 13.0)]])
    together = fill_rings([left], 12, 11).astype(int) + fill_rings([right], 12, 11)
    assert (together == 1).all()


def test_hand_computed() -> None:
    square = np.array([(1.0, 1.0), (3.0, 1.0), (3.0, 3.0), (1.0, 3.0)])
    assert fill_rings([square], 4, 4).sum() == 4
    assert fill_rings([square + 0.5], 4, 4)[1:3, 1:3].all(), "half-open: centres on the upper and left edge count"
    assert fill_rings([square + 0.5], 4, 4).sum() == 4
    assert fill_rings([square, square], 4, 4).sum() == 0, "even-odd"
    inclusive = fill_rings([square], 4, 4, rule="inclusive")
    assert inclusive[1:4, 1:4].all()
    assert inclusive.sum() == 9


def test_paint_counts_what_it_covers() -> None:
    owners, covers = np.full((4, 4), -1, np.int32), np.zeros((4, 4), np.int32)
    ring = np.array([(0.0, 0.0), (3.0, 0.0), (3.0, 4.0), (0.0, 4.0)])
    assert paint(owners, covers, [ring], 0) == 12
    assert paint(owners, covers, [ring + np.array([2, 0])], 1) == 8
    assert owners[0].tolist() == [0, 0, 1, 1]
    assert covers[0].tolist() == [1, 1, 2, 1]


@pytest.mark.parametrize("seed", range(30))
def test_outlines_give_the_raster(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = map(int, rng.integers(1, 30, 2))
    label_map = random_partition(rng, height, width)
    owners, covers = np.full(label_map.shape, 255, np.int32), np.zeros(label_map.shape, np.int32)
    outlines = find_outlines(label_map, ignored=255)
    for outline in outlines:
        assert paint(owners, covers, outline.rings, outline.value) == outline.pixels
        assert signed_area(outline.rings[0]) == outline.enclosed
        assert all(signed_area(hole) < 0 for hole in outline.rings[1:])
    np.testing.assert_array_equal(owners, label_map)
    assert covers.max(initial=0) <= 1
    mask = label_map == 2
    np.testing.assert_array_equal(fill_rings(mask_rings(mask), height, width), mask)


@pytest.mark.parametrize("seed", range(20))
def test_shapes_without_holes_show_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = map(int, rng.integers(3, 30, 2))
    label_map = random_partition(rng, height, width)
    shapes = [DrawnShape(str(each.value), each.rings) for each in find_outlines(label_map, ignored=255)]
    painted = np.full(label_map.shape, 255, np.int32)
    for shape in without_holes(shapes, height, width):
        assert shape.geometry == "mask" or len(shape.rings) == 1
        paint(painted, np.zeros_like(painted), shape.rings, int(shape.label))
    np.testing.assert_array_equal(painted, label_map)
    for shape in shapes:
        slit = with_slits(shape)
        assert len(slit.rings) == 1
        np.testing.assert_array_equal(fill_rings(slit.rings, height, width), fill_rings(shape.rings, height, width))

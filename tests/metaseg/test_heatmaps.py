import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metaseg_reference import random_softmax, slow_entropy, slow_margin

from raymeta.metaseg.heatmaps import METASEG_LOG_OFFSET, TILE, entropy, margin, scan_softmax


def pixels(*distributions):
    """(C, 1, N) float32 from N distributions."""
    return np.array(distributions, dtype=np.float32).T[:, None, :].copy()


def test_by_hand():
    softmax = pixels([0.5, 0.5], [1, 0], [0.25, 0.75])
    three_quarters = -(0.25 * math.log2(0.25) + 0.75 * math.log2(0.75))
    np.testing.assert_allclose(entropy(softmax), [[1, 0, three_quarters]], rtol=1e-6)
    np.testing.assert_allclose(margin(softmax), [[1, 0, 0.5]], rtol=1e-6)
    assert scan_softmax(softmax).prediction.tolist() == [[0, 0, 1]]


def test_lowest_class_wins_a_tie():
    softmax = pixels([0.2, 0.4, 0.4], [0.4, 0.2, 0.4], [1 / 3, 1 / 3, 1 / 3])
    assert scan_softmax(softmax).prediction.tolist() == [[1, 0, 0]]
    np.testing.assert_array_equal(margin(softmax), [[1, 1, 1]])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 24), st.integers(1, 40), st.integers(1, 60), st.floats(0.1, 30))
def test_equals_slow_reference(seed, classes, height, width, temperature):
    softmax = random_softmax(np.random.default_rng(seed), classes, height, width, temperature=temperature)
    heatmaps = scan_softmax(softmax)
    np.testing.assert_allclose(heatmaps.entropy, slow_entropy(softmax), rtol=2e-6, atol=2e-7)
    np.testing.assert_allclose(heatmaps.margin, slow_margin(softmax), rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(heatmaps.prediction, softmax.argmax(axis=0))


@pytest.mark.parametrize("width", [1, TILE - 1, TILE, TILE + 1])
@pytest.mark.parametrize("classes", [2, 255])
def test_tile_borders_and_many_classes(classes, width):
    softmax = random_softmax(np.random.default_rng(1), classes, 3, width)
    np.testing.assert_array_equal(scan_softmax(softmax).prediction, softmax.argmax(axis=0))
    np.testing.assert_allclose(entropy(softmax), slow_entropy(softmax), rtol=5e-6)


def test_log_is_accurate_over_all_magnitudes():
    small = np.exp(np.linspace(np.log(1e-36), np.log(0.5), 20_001)).astype(np.float32)
    softmax = pixels(*np.stack([small, 1 - small], axis=1))
    np.testing.assert_allclose(scan_softmax(softmax).entropy, slow_entropy(softmax), rtol=1e-6)


def test_heatmaps_stay_in_range_for_16_bit_softmax():
    softmax = np.random.default_rng(0).dirichlet(np.full(19, 50.0), size=(40, 40)).astype(np.float16)
    for heatmap in (entropy(np.moveaxis(softmax, 2, 0)), margin(np.moveaxis(softmax, 2, 0))):
        assert heatmap.dtype == np.float32
        assert heatmap.min() >= 0
        assert heatmap.max() <= 1


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_float_types_are_cast(dtype):
    softmax = random_softmax(np.random.default_rng(0), 5, 8, 9).astype(dtype)
    np.testing.assert_array_equal(entropy(softmax), entropy(softmax.astype(np.float32)))


def test_any_memory_layout():
    softmax = random_softmax(np.random.default_rng(0), 5, 8, 9)
    expected = entropy(softmax)
    np.testing.assert_array_equal(entropy(np.asfortranarray(softmax)), expected)
    np.testing.assert_array_equal(entropy(softmax[:, ::-1, ::-1])[::-1, ::-1], expected)
    before = softmax.copy()
    softmax.flags.writeable = False
    np.testing.assert_array_equal(entropy(softmax), expected)
    np.testing.assert_array_equal(softmax, before)


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.01, 1.5])
def test_no_distribution_is_refused_with_its_place(value):
    softmax = random_softmax(np.random.default_rng(0), 5, 8, 9)
    softmax[2, 3, 7] = value
    with pytest.raises(ValueError, match=r"pixel \(3, 7\)"):
        entropy(softmax)


@pytest.mark.parametrize(
    ("softmax", "message"),
    [
        (np.full((1, 4, 4), 1, dtype=np.float32), "1 classes"),
        (np.full((256, 4, 4), 1 / 256, dtype=np.float32), "256 classes"),
        (np.full((2, 4), 0.5, dtype=np.float32), "shape"),
        (np.empty((2, 0, 4), dtype=np.float32), "at least one pixel"),
        (np.ones((2, 4, 4), dtype=np.int64), "int64"),
        ([[0.5]], "list"),
    ],
)
def test_wrong_arrays_are_refused(softmax, message):
    with pytest.raises(ValueError, match=message):
        entropy(softmax)


@pytest.mark.parametrize("classes", [2, 5, 19])
def test_both_entropies_of_one_scan_are_those_of_two(classes):
    logits = np.random.default_rng(classes).normal(scale=9, size=(classes, 70, 91))
    softmax = np.exp(logits - logits.max(axis=0))
    softmax = (softmax / softmax.sum(axis=0)).astype(np.float32)
    both = scan_softmax(softmax, METASEG_LOG_OFFSET, with_plain_entropy=True)
    offset, plain = scan_softmax(softmax, METASEG_LOG_OFFSET), scan_softmax(softmax)
    assert offset.plain_entropy is None
    np.testing.assert_array_equal(both.plain_entropy, plain.entropy)
    np.testing.assert_array_equal(both.entropy, offset.entropy)
    np.testing.assert_array_equal(both.margin, offset.margin)
    np.testing.assert_array_equal(both.prediction, offset.prediction)

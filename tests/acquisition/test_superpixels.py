"""Superpixels: found by hand-made images, and asked tile by tile as parts of predicted segments are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from raymeta.acquisition.pool_scoring import score_image
from raymeta.acquisition.segment_candidates import segment_candidates
from raymeta.acquisition.strategies import Strategy
from raymeta.acquisition.superpixels import at_size, coarse_superpixels
from raymeta.boxes import pack_mask
from raymeta.config import AcquisitionConfig, ConfigError, SegmentsConfig, parse_config
from raymeta.errors import InputError


def superpixels(image, width, compactness=10.0):
    return at_size(coarse_superpixels(image, width, compactness), *image.shape[:2])


def quarters(side):
    """Four squares of other colours, `side` pixels wide, in an image of twice that."""
    image = np.zeros((2 * side, 2 * side, 3), np.uint8)
    image[:side, side:, 0] = image[side:, :side, 1] = image[side:, side:, 2] = 255
    return image


def numbers_of_quarters(side):
    return np.kron(np.array([[1, 2], [3, 4]], np.int32), np.ones((side, side), np.int32))


@pytest.mark.parametrize("side", [8, 16, 32, 96])
def test_the_superpixels_of_four_squares_are_these(side):
    """From 32 pixels on they are found in an image reduced twice, and six times."""
    image = quarters(side)
    found = superpixels(image, side)
    np.testing.assert_array_equal(found, numbers_of_quarters(side))
    assert found.dtype == np.int32
    assert coarse_superpixels(image, side, 10).shape == ((2 * side,) * 2 if side < 32 else (32, 32))


def test_sides_that_no_factor_divides():
    coarse = np.array([[1, 2, 3], [4, 5, 6]], np.int32)
    np.testing.assert_array_equal(at_size(coarse, 3, 4), [[1, 1, 2, 3], [1, 1, 2, 3], [4, 4, 5, 6]])
    image = quarters(40)[:75, :77]
    found = superpixels(image, 40)
    assert found.shape == (75, 77)
    assert (found == numbers_of_quarters(40)[:75, :77]).mean() > 0.95


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(2, 40), st.floats(0.5, 50), st.integers(0, 2**32 - 1))
def test_every_pixel_is_in_one_connected_superpixel(height, columns, width, compactness, seed):
    rng = np.random.default_rng(seed)
    image = ndimage.zoom(rng.integers(0, 256, (7, 7, 3)), (height / 7, columns / 7, 1), order=1).astype(np.uint8)
    coarse = coarse_superpixels(image, width, compactness)
    assert sorted(np.unique(coarse)) == list(range(1, coarse.max() + 1))
    assert all(ndimage.label(coarse == number)[1] == 1 for number in range(1, coarse.max() + 1))
    np.testing.assert_array_equal(coarse_superpixels(image.copy(), width, compactness), coarse)
    np.testing.assert_array_equal(np.unique(at_size(coarse, *image.shape[:2])), np.unique(coarse))


def test_they_are_about_as_wide_as_they_are_asked_to_be():
    rng = np.random.default_rng(0)
    image = ndimage.zoom(rng.integers(0, 256, (16, 24, 3)), (8, 8, 1), order=1).astype(np.uint8)
    for width in (4, 8, 16):
        count = superpixels(image, width).max()
        assert 0.4 < count * width**2 / (image.shape[0] * image.shape[1]) < 1.5


def test_a_superpixel_by_hand():
    """Tiles of 2 in 2×4. The left superpixel has the classes 2 2 0 in its tile, the right one 1 and 3: the lowest."""
    numbers = np.array([[1, 1, 2, 2], [1, 2, 2, 2]], np.int32)
    label_map = np.array([[2, 2, 1, 3], [0, 1, 3, 1]], np.uint8)
    gain = np.array([[4, 1, 2, 0], [1, 3, 1, 2]], np.float32) / 16
    asked = np.zeros((2, 4), bool)
    found = segment_candidates(numbers, label_map, gain, asked, tile_width=2).to_pylist()
    assert [tuple(row.values()) for row in found] == [
        (6 / 16, 0, 0, 3, bytes([0b11100000]), 2),
        (5 / 16, 0, 2, 4, bytes([0b11110000]), 1),
    ]


def slow_candidates(numbers, label_map, gain, asked, width, min_pixels):
    """Tile by tile and superpixel by superpixel; of tiles that reach back only what the one before left counts."""
    height, columns = numbers.shape
    taken, rows = np.zeros(numbers.shape, bool), []
    for tile_top in range(0, height, width):
        for tile_left in range(0, columns, width):
            top, left = min(tile_top, height - width), min(tile_left, columns - width)
            tile = np.s_[top : top + width, left : left + width]
            own = np.zeros(numbers.shape, bool)
            own[tile] = ~taken[tile]
            taken |= own
            parts = [own & ~asked & (numbers == number) for number in np.unique(numbers[own])]
            scored = [(gain[part].astype(float).sum(), part) for part in parts if part.sum() >= min_pixels]
            if scored and (best := max(score for score, _ in scored)) > 0:
                part = next(part for score, part in scored if score == best)
                class_id = int(np.bincount(label_map[part]).argmax())
                rows.append((best, top, left, int(part.sum()), pack_mask(part[tile]), class_id))
    return sorted(rows, key=lambda row: (-row[0], row[1], row[2]))


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 40), st.integers(2, 40), st.integers(2, 9), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_the_best_superpixel_of_each_tile_agrees_with_the_slow_one(height, columns, width, min_pixels, seed):
    rng = np.random.default_rng(seed)
    softmax = rng.dirichlet(np.ones(3), (height, columns)).transpose(2, 0, 1).astype(np.float32)
    asked = rng.random((height, columns)) < 0.2
    numbers = rng.integers(1, 6, (height, columns)).astype(np.int32)
    tile = min(width, height, columns)
    score = score_image(
        softmax,
        strategy=Strategy("superpixels", ("margin",)),
        box_width=tile,
        seed=0,
        iteration=0,
        image_id="a",
        labelled_mask=asked,
        segments=SegmentsConfig(min_pixels=min_pixels),
        superpixels=numbers,
        keep_maps=True,
    )
    names = ("score", "top", "left", "unlabelled_pixels", "segment", "predicted_class")
    found = [tuple(row[name] for name in names) for row in score.candidates.to_pylist()]
    label_map = score.maps["segmentation"].astype(np.uint8)
    assert found == slow_candidates(numbers, label_map, score.maps["margin"], asked, tile, min_pixels)
    assert set(score.candidates["estimated_clicks"].to_pylist()) <= {1}


@pytest.mark.parametrize(
    ("superpixels", "segments", "named"),
    [
        (np.ones((3, 4), np.int32), SegmentsConfig(), r"\(3, 4\)"),
        (np.full((4, 4), -3, np.int32), SegmentsConfig(), "-3"),
        (np.zeros((4, 4), np.int32), SegmentsConfig(), "from 1"),
        (np.ones((4, 4)), SegmentsConfig(), "float64"),
        ([[1, 1]], SegmentsConfig(), "list"),
        (np.ones((4, 4), np.int32), None, "segments"),
    ],
)
def test_what_can_not_be_superpixels_of_an_image_is_refused(superpixels, segments, named):
    with pytest.raises(InputError, match=named):
        score_image(
            np.full((2, 4, 4), 0.5, np.float32),
            strategy=Strategy("superpixels", ("margin",)),
            box_width=2,
            seed=0,
            iteration=0,
            image_id="a",
            segments=segments,
            superpixels=superpixels,
        )


def test_the_presets_and_the_width_that_counts():
    acquisition = AcquisitionConfig(strategy="superpixels", box_width=24)
    assert (acquisition.unit, acquisition.gain_name, acquisition.cost_name) == ("superpixel", "margin", "none")
    assert acquisition.class_weights.source == "predictions"
    assert acquisition.superpixel_width == 12
    assert AcquisitionConfig(strategy="superpixels", superpixels={"width": 7}).superpixel_width == 7
    assert AcquisitionConfig(strategy="random_superpixels").gain_name == "random"
    assert AcquisitionConfig(strategy="segments").superpixel_width is None


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"superpixels": {"width": 1}}, "superpixels.width"),
        ({"superpixels": {"compactness": 0}}, "superpixels.compactness"),
        ({"cost": "estimated"}, "superpixel"),
        ({"segments": {"min_pixels": 257}}, "min_pixels"),
    ],
)
def test_what_superpixels_can_not_be_is_refused(values, named, tmp_path):
    settings = {"run_dir": str(tmp_path / "run"), "dataset": {"kind": "street_scenes", "root": str(tmp_path)}}
    with pytest.raises(ConfigError, match=named):
        parse_config(settings | {"acquisition": {"strategy": "superpixels", "box_width": 16, **values}})

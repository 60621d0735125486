"""The best part of a predicted segment in each tile: by hand, against a slow reference, and by properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from raymeta.acquisition.pool_scoring import score_image
from raymeta.acquisition.segment_candidates import segment_candidates
from raymeta.acquisition.strategies import Strategy
from raymeta.annotation.click_estimation import estimate_clicks
from raymeta.boxes import pack_mask, unpack_mask
from raymeta.config import SegmentsConfig
from raymeta.metaseg.meta_regression import MetaRegressor
from raymeta.metaseg.segment_metrics import segment_metrics
from raymeta.metaseg.segments import find_segments


def slow_candidates(label_map, gain, asked, width, min_pixels, by_largest):
    """Tile by tile and segment by segment, with scipy's components."""
    height, columns = label_map.shape
    numbers, count = np.zeros(label_map.shape, int), 0
    for class_id in np.unique(label_map):
        found, parts = ndimage.label(label_map == class_id, np.ones((3, 3)))
        numbers[found > 0] = found[found > 0] + count
        count += parts
    taken = np.zeros(label_map.shape, bool)
    rows = []
    for tile_top in range(0, height, width):
        for tile_left in range(0, columns, width):
            top, left = min(tile_top, height - width), min(tile_left, columns - width)
            own = np.zeros(label_map.shape, bool)
            own[top : top + width, left : left + width] = True
            own &= ~taken
            taken |= own
            best = None
            first_pixels = {int(k): int(np.flatnonzero(numbers.ravel() == k)[0]) for k in np.unique(numbers[own])}
            for k in sorted(first_pixels, key=first_pixels.get):
                part = own & ~asked & (numbers == k)
                if part.sum() < max(1, min_pixels):
                    continue
                values = gain[part].astype(float)
                score = values.max() if by_largest else values.sum()
                if score > 0 and (best is None or score > best[0]):
                    mask = part[top : top + width, left : left + width]
                    best = (score, top, left, int(part.sum()), pack_mask(mask), int(label_map[part][0]))
            if best is not None:
                rows.append(best)
    return sorted(rows, key=lambda row: (-row[0], row[1], row[2]))


def rows_of(table):
    return [tuple(row.values()) for row in table.to_pylist()]


@st.composite
def images(draw):
    height, columns = draw(st.integers(1, 14)), draw(st.integers(1, 14))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    label_map = rng.integers(0, draw(st.integers(1, 4)), (height, columns)).astype(np.uint8)
    gain = (rng.integers(0, draw(st.sampled_from([2, 5, 1 << 24])), (height, columns)) / (1 << 24)).astype(np.float32)
    asked = rng.random((height, columns)) < draw(st.sampled_from([0.0, 0.3, 1.0]))
    gain[asked] = 0
    return label_map, gain, asked, draw(st.integers(1, min(height, columns)))


@settings(max_examples=300, deadline=None)
@given(images(), st.integers(1, 6), st.booleans())
def test_the_fast_function_agrees_with_the_slow_one(image, min_pixels, by_largest):
    label_map, gain, asked, width = image
    found = segment_candidates(
        find_segments(label_map).segment_map,
        label_map,
        gain,
        asked,
        tile_width=width,
        min_pixels=min_pixels,
        by_largest=by_largest,
    )
    assert rows_of(found) == slow_candidates(label_map, gain, asked, width, min_pixels, by_largest)


@settings(max_examples=100, deadline=None)
@given(images())
def test_asking_until_nothing_is_left_asks_every_pixel_once(image):
    label_map, _, asked, width = image
    segment_map, asked = find_segments(label_map).segment_map, asked.copy()
    gain = np.full(label_map.shape, 0.5, np.float32)
    while rows := segment_candidates(segment_map, label_map, gain, asked, tile_width=width).to_pylist():
        for row in rows:
            tile = np.s_[row["top"] : row["top"] + width, row["left"] : row["left"] + width]
            mask = unpack_mask(row["segment"], width)
            assert not (asked[tile] & mask).any()
            assert (label_map[tile][mask] == row["predicted_class"]).all()
            assert row["pixels"] == mask.sum()
            asked[tile] |= mask
    assert asked.all()


@settings(max_examples=100, deadline=None)
@given(images(), st.integers(0, 9))
def test_a_limit_or_a_lowest_score_cuts_the_end_off(image, limit):
    label_map, gain, asked, width = image
    segment_map = find_segments(label_map).segment_map
    whole = rows_of(segment_candidates(segment_map, label_map, gain, asked, tile_width=width))
    assert (
        rows_of(segment_candidates(segment_map, label_map, gain, asked, tile_width=width, limit=limit))
        == (whole[:limit])
    )
    if whole:
        bound = whole[len(whole) // 2][0]
        cut = segment_candidates(segment_map, label_map, gain, asked, tile_width=width, min_score=bound)
        assert rows_of(cut) == [row for row in whole if row[0] >= bound]


def test_a_candidate_by_hand():
    """Tiles of 2 in 3×3: segments are {0: left and below}, {1: the 2×2 at the top right}. In the first tile both have
    pixels, and the left one more gain; the pixel below it was asked; the last tiles begin at 1 and hold what is left.
    """
    label_map = np.array([[0, 1, 1], [0, 1, 1], [0, 0, 0]], np.uint8)
    gain = np.array([[8, 5, 4], [0, 1, 4], [2, 2, 0]], np.float32) / 16
    asked = np.zeros((3, 3), bool)
    asked[1, 0] = True
    found = segment_candidates(find_segments(label_map).segment_map, label_map, gain, asked, tile_width=2)
    assert rows_of(found) == [
        (8 / 16, 0, 0, 1, bytes([0b10000000]), 0),
        (8 / 16, 0, 1, 2, bytes([0b01010000]), 1),
        (4 / 16, 1, 0, 2, bytes([0b00110000]), 0),
    ]
    wider = segment_candidates(
        find_segments(label_map).segment_map, label_map, gain, asked, tile_width=2, min_pixels=2
    ).to_pylist()
    assert [(row["top"], row["left"], row["segment"]) for row in wider] == [
        (0, 1, bytes([0b01010000])),
        (0, 0, bytes([0b01010000])),
        (1, 0, bytes([0b00110000])),
    ]


def test_scores_weigh_the_gain_by_the_classes():
    """Two classes, half the image each; p = 3/4: margin 1/2, weighed by 3/4·w_0 + 1/4·w_1 and the other way round."""
    softmax = np.empty((2, 2, 4), np.float32)
    softmax[0, :, :2], softmax[1, :, :2] = 0.75, 0.25
    softmax[0, :, 2:], softmax[1, :, 2:] = 0.25, 0.75
    found = score_image(
        softmax,
        strategy=Strategy("segments", ("margin",), weighs_classes=True),
        box_width=2,
        seed=0,
        iteration=0,
        image_id="a",
        class_weights=np.array([0.25, 1.0]),
        segments=SegmentsConfig(min_pixels=1),
    ).candidates.to_pylist()
    assert [(row["left"], row["score"], row["predicted_class"]) for row in found] == [
        (2, 4 * 0.5 * (0.25 * 0.25 + 0.75 * 1.0), 1),
        (0, 4 * 0.5 * (0.75 * 0.25 + 0.25 * 1.0), 0),
    ]
    assert [(row["estimated_clicks"], row["unlabelled_pixels"]) for row in found] == [(1, 4), (1, 4)]


def test_metaseg_scores_are_one_minus_predicted_iou_times_area():
    rng = np.random.default_rng(0)
    softmax = rng.dirichlet(np.ones(3), (12, 14)).transpose(2, 0, 1).astype(np.float32)
    segments, table = segment_metrics(softmax, rng.integers(0, 3, (12, 14)).astype(np.uint8))
    regressor = MetaRegressor("sklearn", trees=5).fit(
        table, ["a", "b"] * (table.num_rows // 2) + ["a"] * (table.num_rows % 2)
    )
    scored = score_image(
        softmax,
        strategy=Strategy("segments", ("metaseg",)),
        box_width=4,
        seed=0,
        iteration=0,
        image_id="a",
        regressor=regressor,
        segments=SegmentsConfig(min_pixels=2),
        keep_maps=True,
    )
    predicted = regressor.predict(segment_metrics(softmax)[1])
    assert scored.candidates.num_rows == 12
    for row in scored.candidates.to_pylist():
        tile = np.s_[row["top"] : row["top"] + 4, row["left"] : row["left"] + 4]
        mask = unpack_mask(row["segment"], 4)
        [number] = np.unique(segments.segment_map[tile][mask])
        area = mask.sum()
        assert area == row["unlabelled_pixels"] >= 2
        assert row["score"] == pytest.approx((1 - predicted[number - 1]) * area, abs=area * 2**-24)
    assert scored.statistics["segments"] == segments.count
    assert scored.maps["joint"].shape == (9, 11)


def test_estimates_count_outlines_only_where_they_may_follow():
    rng = np.random.default_rng(1)
    softmax = rng.dirichlet(np.ones(3), (12, 14)).transpose(2, 0, 1).astype(np.float32)
    clicks = estimate_clicks(softmax.argmax(axis=0).astype(np.uint8), 1.0)
    for mixed in ("skip", "point", "box"):
        found = score_image(
            softmax,
            strategy=Strategy("segments", ("margin",)),
            box_width=4,
            seed=0,
            iteration=0,
            image_id="a",
            epsilon=1.0,
            segments=SegmentsConfig(mixed=mixed),
        ).candidates.to_pylist()
        for row in found:
            tile = np.s_[row["top"] : row["top"] + 4, row["left"] : row["left"] + 4]
            assert row["estimated_clicks"] == 1 + (np.count_nonzero(clicks[tile]) if mixed == "box" else 0)


def test_a_tile_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="box_width 3"):
        segment_candidates(
            np.ones((2, 4), np.int32),
            np.zeros((2, 4), np.uint8),
            np.ones((2, 4), np.float32),
            np.zeros((2, 4), bool),
            tile_width=3,
        )

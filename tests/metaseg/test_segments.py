import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metaseg_reference import slow_boundary, slow_segment_map

from raymeta.metaseg.segments import find_segments


def test_by_hand():
    label_map = np.array([[1, 1, 0, 0], [1, 0, 2, 0], [0, 1, 2, 2], [255, 1, 1, 2]], dtype=np.uint8)
    segments = find_segments(label_map)
    assert segments.segment_map.tolist() == [[1, 1, 2, 2], [1, 2, 3, 2], [2, 1, 3, 3], [0, 1, 1, 3]]
    assert segments.segment_map.dtype == np.int32
    assert segments.class_ids.tolist() == [1, 0, 2]
    assert segments.count == 3
    assert segments.boundary_mask.tolist() == [[True] * 4, [True] * 4, [True] * 4, [False, True, True, True]]


def test_image_border_alone_makes_no_boundary():
    label_map = np.zeros((4, 4), dtype=np.uint8)
    assert not find_segments(label_map).boundary_mask.any()
    label_map[3, 3] = 255
    expected = np.zeros((4, 4), dtype=bool)
    expected[2, 2] = expected[2, 3] = expected[3, 2] = True
    np.testing.assert_array_equal(find_segments(label_map).boundary_mask, expected)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 25), st.integers(1, 25), st.sampled_from([[0, 1], [0, 254, 255, 7]]))
def test_equals_slow_reference(seed, height, width, labels):
    rng = np.random.default_rng(seed)
    label_map = rng.choice(np.array(labels, dtype=np.uint8), size=(height, width))
    segments = find_segments(label_map)
    expected = slow_segment_map(label_map)
    np.testing.assert_array_equal(segments.segment_map, expected)
    np.testing.assert_array_equal(segments.boundary_mask, slow_boundary(label_map))
    firsts = [int(label_map[expected == number][0]) for number in range(1, expected.max() + 1)]
    assert segments.class_ids.tolist() == firsts


def test_more_segments_than_16_bit():
    label_map = np.arange(300 * 300).reshape(300, 300) % 2 + np.arange(300)[:, None] % 2 * 2
    segments = find_segments(label_map.astype(np.uint8))
    assert segments.count == 300 * 300
    np.testing.assert_array_equal(segments.segment_map.ravel(), np.arange(1, 300 * 300 + 1))


def test_all_ignored_and_one_pixel():
    ignored = find_segments(np.full((3, 5), 255, dtype=np.uint8))
    assert ignored.count == 0
    assert not ignored.segment_map.any()
    assert not ignored.boundary_mask.any()
    single = find_segments(np.array([[254]], dtype=np.uint8))
    assert single.segment_map.tolist() == [[1]]
    assert single.class_ids.tolist() == [254]


def test_any_memory_layout():
    label_map = np.random.default_rng(0).integers(0, 3, size=(20, 30)).astype(np.uint8)
    np.testing.assert_array_equal(
        find_segments(label_map.T).segment_map, find_segments(np.ascontiguousarray(label_map.T)).segment_map
    )


@pytest.mark.parametrize(
    ("label_map", "message"),
    [
        (np.zeros((4, 4), dtype=np.int32), "int32"),
        (np.zeros((4, 4, 1), dtype=np.uint8), "shape"),
        (np.zeros((0, 4), dtype=np.uint8), "at least one pixel"),
        ([[1]], "list"),
    ],
)
def test_wrong_arrays_are_refused(label_map, message):
    with pytest.raises(ValueError, match=message):
        find_segments(label_map)

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raymeta.acquisition.aggregated_maps import aggregate
from raymeta.acquisition.priority_maps import quantize


def slow_aggregate(values, b):
    height, width = values.shape
    sums = [
        [values[r : r + b, c : c + b].astype(np.float64).sum() for c in range(width - b + 1)]
        for r in range(height - b + 1)
    ]
    return np.array(sums)


def test_hand_computed():
    values = np.array([[1, 2, 3], [4, 5, 6]], dtype=np.float32)
    assert aggregate(values, 2).tolist() == [[12, 16]]
    assert aggregate(values, 1).tolist() == values.tolist()
    assert aggregate(values, 2).dtype == np.float64


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.data(), st.integers(0, 2**32 - 1))
def test_equals_brute_force_bit_for_bit(height, width, data, seed):
    b = data.draw(st.integers(1, min(height, width)))
    rng = np.random.default_rng(seed)
    values = quantize(rng.random((height, width)) * rng.integers(0, 2, (height, width)))
    assert np.array_equal(aggregate(values, b), slow_aggregate(values, b))


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float16, np.float32, np.float64])
def test_any_number_type_and_memory_order(dtype):
    values = np.asfortranarray(np.random.default_rng(1).integers(0, 2, (9, 13)).astype(dtype))
    assert np.array_equal(aggregate(values, 4), slow_aggregate(values, 4))


def test_unrounded_values_leave_no_residue_in_empty_boxes():
    values = np.random.default_rng(0).random((60, 80), dtype=np.float32) * np.float32(1e-3)
    values[20:50, 30:70] = 0
    sums = aggregate(values, 10)
    assert (sums[20:41, 30:61] == 0).all()
    assert np.allclose(sums, slow_aggregate(values, 10), rtol=1e-14, atol=0)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="box_width 5 exceeds the image height 4"):
        aggregate(np.zeros((4, 9)), 5)
    with pytest.raises(ValueError, match="below 1"):
        aggregate(np.zeros((4, 9)), 0)
    with pytest.raises(ValueError, match="shape"):
        aggregate(np.zeros((2, 4, 9)), 1)
    with pytest.raises(ValueError, match="priority_map is a list: give a numpy array"):
        aggregate([[1.0, 2.0]], 1)
    with pytest.raises(ValueError, match="priority_map has dtype complex128: give numbers"):
        aggregate(np.zeros((4, 9), complex), 1)


@pytest.mark.parametrize("box_width", [2.5, 2.0, True, "2", None, np.float64(2)])
def test_box_width_is_a_whole_number(box_width):
    with pytest.raises(ValueError, match=r"box_width .* isn't a whole number: give an int of at least 1"):
        aggregate(np.zeros((4, 9)), box_width)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int64, np.uint64])
def test_numpy_integers_are_whole_numbers(kind):
    values = np.random.default_rng(0).random((30, 200))
    assert np.array_equal(aggregate(values, kind(20)), aggregate(values, 20))

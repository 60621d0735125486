"""Run lengths: each code against its inverse, a slow decoder, and numbers that don't add up."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from raymeta.exchange.errors import ShapeFault
from raymeta.exchange.run_lengths import (
    decode_coco_text,
    decode_dense,
    decode_rle_pack,
    decode_runs,
    encode_coco_text,
    encode_dense,
    encode_rle_pack,
    encode_runs,
)

masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12))


@given(masks, st.sampled_from("CF"))
def test_runs(mask: np.ndarray, order: str) -> None:
    runs = encode_runs(mask, order)
    slow = [bit for index, run in enumerate(runs) for bit in [bool(index % 2)] * run]
    assert slow == mask.ravel(order=order).tolist()  # type: ignore[call-overload]
    np.testing.assert_array_equal(decode_runs(runs, *mask.shape, order), mask)


@given(st.lists(st.integers(0, 2**31), max_size=30))
def test_coco_text(runs: list[int]) -> None:
    assert decode_coco_text(encode_coco_text(runs)).tolist() == runs


def test_coco_text_by_hand() -> None:
    """pycocotools packs a 2×3 mask with the middle column set, runs 2 2 2, as `222`; 40 takes two characters."""
    assert encode_coco_text([2, 2, 2]) == "222"
    assert encode_coco_text([40]) == "X1"
    assert decode_coco_text("X1").tolist() == [40]


@given(arrays(np.uint8, st.integers(0, 300), elements=st.sampled_from([0, 255, 7])))
def test_rle_pack(values: np.ndarray) -> None:
    np.testing.assert_array_equal(decode_rle_pack(encode_rle_pack(values), 300), values)


def test_rle_pack_with_literals() -> None:
    """Three literal values in 3-bit packets: count 3, word size 8, sizes 3 4 8 16."""
    bits = f"{3:032b}" + f"{7:05b}" + "".join(f"{size - 1:04b}" for size in (3, 4, 8, 16))
    bits += "0" + "00" + f"{2:03b}" + f"{5:08b}" + f"{6:08b}" + f"{255:08b}"
    bits += "0" * (-len(bits) % 8)
    data = [int(bits[start : start + 8], 2) for start in range(0, len(bits), 8)]
    assert decode_rle_pack(data, 10).tolist() == [5, 6, 255]


@given(arrays(np.int64, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 3)))
def test_dense(values: np.ndarray) -> None:
    np.testing.assert_array_equal(decode_dense(encode_dense(values), *values.shape), values)


@pytest.mark.parametrize("runs", [[10, 7], [-1, 25], [2.5, 21.5], ["24"], [True] * 24, [10**30], [2**62, 2**62, 2**62]])
def test_runs_that_do_not_fit(runs: list) -> None:
    with pytest.raises(ShapeFault):
        decode_runs(runs, 4, 6)


@given(st.text(max_size=40), st.lists(st.integers(-5, 400), max_size=60))
def test_garbage_is_a_fault(text: str, numbers: list[int]) -> None:
    """Or it is numbers by chance: then as many as it says."""
    with suppress(ShapeFault):
        assert decode_coco_text(text).dtype == np.int64
    with suppress(ShapeFault):
        assert len(decode_rle_pack(numbers, 10_000)) == int.from_bytes(bytes(numbers[:4]), "big")
    with suppress(ShapeFault):
        assert decode_dense(numbers, 3, 3).shape == (3, 3)
    with suppress(ShapeFault):
        mask = decode_runs(numbers, 3, 3)
        assert (mask.shape, mask.sum()) == ((3, 3), sum(numbers[1::2]))

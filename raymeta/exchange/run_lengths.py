"""Run lengths of masks as the tools write them: along rows, down columns, as text, packed in bits, or as values."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from raymeta.compilation import njit
from raymeta.exchange.errors import ShapeFault, shown

MAX_RUNS: Final = 1 << 27
Order = Literal["C", "F"]

_RLE_PACK_SIZES: Final = (3, 4, 8, 16)


def decode_runs(
    runs: Sequence[Any] | NDArray[np.int64], height: int, width: int, order: Order = "C"
) -> NDArray[np.bool_]:
    """A mask from its runs, background first.

    Args:
        runs: lengths in pixels, alternately of background and mask.
        height: of the mask in pixels.
        width: of the mask in pixels.
        order: C for runs along rows, F for runs down columns.

    Returns:
        (height, width) bool.

    Raises:
        ShapeFault: no whole numbers, or they don't add up to the pixels of the mask.
    """
    lengths = _lengths(runs)
    total = int(lengths.sum()) if len(lengths) and int(lengths.max()) <= 1 << 40 else sum(map(int, lengths))
    if total != height * width:
        raise ShapeFault(f"has {total} px of runs for {width}×{height} px")
    flat = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    return np.ascontiguousarray(flat.reshape((height, width), order=order))


def encode_runs(mask: NDArray[np.bool_], order: Order = "C") -> list[int]:
    """Runs of a mask, background first: the inverse of `decode_runs`.

    Args:
        mask: (H, W) bool.
        order: C for runs along rows, F for runs down columns.

    Returns:
        Lengths in pixels; the first is 0 if the first pixel is set.
    """
    flat = mask.ravel(order=order)
    if not len(flat):
        return []
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    lengths = np.diff(np.concatenate([[0], changes, [len(flat)]])).tolist()
    return [0, *lengths] if flat[0] else lengths


def decode_coco_text(text: str) -> NDArray[np.int64]:
    """Runs of COCO's compressed text: five bits a character, each run from the fourth on as the difference to the one
    before the last.

    Raises:
        ShapeFault: other characters, or text that ends inside a number.
    """
    codes = np.frombuffer(text.encode("utf-8", "replace"), np.uint8).astype(np.int64) - 48
    if len(codes) > MAX_RUNS or (len(codes) and not ((codes >= 0) & (codes < 64)).all()):
        raise ShapeFault("holds run lengths that are no text of COCO's")
    runs, count = _unpack_coco(codes)
    if count < 0:
        raise ShapeFault("holds run lengths that break off")
    return runs[:count]


def encode_coco_text(runs: Sequence[int]) -> str:
    """The inverse of `decode_coco_text`."""
    characters = []
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        while True:
            bits = value & 31
            value >>= 5
            more = not (value == 0 and not bits & 16) and not (value == -1 and bits & 16)
            characters.append(chr(48 + bits + 32 * more))
            if not more:
                break
    return "".join(characters)


def decode_rle_pack(data: Sequence[Any], most: int) -> NDArray[np.uint8]:
    """Values of Label Studio's brush, which are packed in bits.

    Args:
        data: whole numbers 0..255.
        most: values that are unpacked at most.

    Raises:
        ShapeFault: no bytes, other than 8-bit values, more values than `most`, or data that breaks off.
    """
    try:
        packed = np.asarray(data)
    except (ValueError, TypeError, OverflowError):
        raise ShapeFault("holds run lengths that are no bytes") from None
    if (
        packed.ndim != 1
        or packed.dtype.kind not in "iu"
        or len(packed) > MAX_RUNS
        or (len(packed) and (packed.min() < 0 or packed.max() > 255))
    ):
        raise ShapeFault("holds run lengths that are no bytes")
    if len(packed) < 7:
        raise ShapeFault("holds run lengths that break off")
    count = int.from_bytes(packed[:4].astype(np.uint8).tobytes(), "big")
    if count > most:
        raise ShapeFault(f"has {count // 4} px of runs for {most // 4} px")
    values, done = _unpack_bits(packed.astype(np.uint8), count)
    if not done:
        raise ShapeFault("holds run lengths that break off or aren't of 8 bits")
    return values


def encode_rle_pack(values: NDArray[np.uint8]) -> list[int]:
    """The inverse of `decode_rle_pack`: (N,) uint8 to bytes, runs of equal values only."""
    bits: list[str] = [f"{len(values):032b}", f"{7:05b}", *(f"{size - 1:04b}" for size in _RLE_PACK_SIZES)]
    changes = np.flatnonzero(values[1:] != values[:-1]) + 1
    starts = np.concatenate([[0], changes]) if len(values) else np.empty(0, np.int64)
    lengths = np.diff(np.concatenate([starts, [len(values)]])) if len(values) else starts
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        value = f"{int(values[start]):08b}"
        while length:
            part = min(length, 1 << 16)
            choice = next(index for index, size in enumerate(_RLE_PACK_SIZES) if part <= 1 << size)
            bits.append(f"1{choice:02b}{part - 1:0{_RLE_PACK_SIZES[choice]}b}{value}")
            length -= part
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))


def decode_dense(pairs: Sequence[Any], height: int, width: int) -> NDArray[np.int64]:
    """Values along rows from value, count, value, count, … (Darwin).

    Returns:
        (height, width) int64.

    Raises:
        ShapeFault: no whole numbers, or counts that don't add up to the pixels.
    """
    numbers = _lengths(pairs)
    if len(numbers) % 2:
        raise ShapeFault("has runs without a count")
    values, counts = numbers[::2], numbers[1::2]
    total = sum(map(int, counts)) if len(counts) and int(counts.max()) > 1 << 40 else int(counts.sum())
    if total != height * width:
        raise ShapeFault(f"has {total} px of runs for {width}×{height} px")
    return np.repeat(values, counts).reshape(height, width)


def encode_dense(values: NDArray[np.integer[Any]]) -> list[int]:
    """The inverse of `decode_dense`: (H, W) whole numbers to value, count, …"""
    flat = values.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    lengths = np.diff(np.concatenate([starts, [len(flat)]]))
    return [int(number) for pair in zip(flat[starts], lengths, strict=True) for number in pair]


def _lengths(runs: Sequence[Any] | NDArray[np.int64]) -> NDArray[np.int64]:
    if len(runs) > MAX_RUNS:
        raise ShapeFault(f"has {len(runs)} runs: at most {MAX_RUNS} are read")
    if isinstance(runs, np.ndarray):
        lengths = runs
    else:
        faulty = next((run for run in runs if isinstance(run, bool) or not isinstance(run, int)), None)
        if faulty is not None:
            raise ShapeFault(f"has the run {shown(faulty)}, which isn't a whole number")
        try:
            lengths = np.array(runs, dtype=np.int64)
        except OverflowError:
            raise ShapeFault("has a run of more pixels than any picture") from None
    if len(lengths) and lengths.min() < 0:
        raise ShapeFault(f"has the run {int(lengths.min())}, which is below 0")
    return lengths


@njit(cache=True, nogil=True)
def _unpack_coco(codes: Any) -> Any:
    runs = np.empty(len(codes), np.int64)
    count = 0
    position = 0
    while position < len(codes):
        value = np.int64(0)
        shift = 0
        more = True
        while more:
            if position >= len(codes) or shift > 55:
                return runs, -1
            code = codes[position]
            value |= (code & 31) << shift
            more = (code & 32) != 0
            position += 1
            shift += 5
            if not more and code & 16:
                value |= np.int64(-1) << shift
        if count > 2:
            value += runs[count - 2]
        runs[count] = value
        count += 1
    return runs, count


@njit(cache=True, nogil=True)
def _read_bits(data: Any, position: int, count: int) -> int:
    value = 0
    for bit in range(position, position + count):
        value = (value << 1) | ((data[bit >> 3] >> (7 - (bit & 7))) & 1)
    return value


@njit(cache=True, nogil=True)
def _unpack_bits(data: Any, count: int) -> Any:
    values = np.zeros(count, np.uint8)
    end = 8 * len(data)
    position = 32
    if _read_bits(data, position, 5) != 7:
        return values, False
    position += 5
    sizes = np.zeros(4, np.int64)
    for index in range(4):
        sizes[index] = _read_bits(data, position, 4) + 1
        position += 4
    done = 0
    while done < count:
        if position + 3 > end:
            return values, False
        repeated = _read_bits(data, position, 1)
        size = sizes[_read_bits(data, position + 1, 2)]
        position += 3
        if position + size > end:
            return values, False
        length = _read_bits(data, position, size) + 1
        position += size
        if done + length > count or position + 8 * (1 if repeated else length) > end:
            return values, False
        if repeated:
            values[done : done + length] = _read_bits(data, position, 8)
            position += 8
        else:
            for index in range(length):
                values[done + index] = _read_bits(data, position + 8 * index, 8)
            position += 8 * length
        done += length
    return values, True

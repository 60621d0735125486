"""The shape of an array in a file, by its header: a few kilobytes are read, however large the array is."""

import json
import zipfile
from collections.abc import Callable
from typing import Any, BinaryIO, Final

import numpy as np

Choose = Callable[[list[str]], str]
"""Picks one of the names of the arrays in a file."""

_MAX_HEADER_BYTES: Final = 2**24


def stored_shape(stream: BinaryIO, suffix: str, choose: Choose) -> tuple[int, ...]:
    """Shape of the array in an open file.

    Args:
        stream: at its start; it can seek.
        suffix: `.npy`, `.npz`, `.pt` or `.safetensors`.
        choose: which of several arrays.

    Raises:
        Exception: each library's own, where the bytes are broken or hold no array.
    """
    return tuple(map(int, _SHAPES[suffix](stream, choose)))


def _of_npy(stream: Any, _: Choose) -> tuple[int, ...]:
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    return readers[np.lib.format.read_magic(stream)](stream)[0]


def _of_npz(stream: BinaryIO, choose: Choose) -> tuple[int, ...]:
    with zipfile.ZipFile(stream) as archive:
        members = {name.removesuffix(".npy"): name for name in archive.namelist()}
        with archive.open(members[choose(list(members))]) as member:
            return _of_npy(member, choose)


def _of_pt(stream: BinaryIO, choose: Choose) -> tuple[int, ...]:
    import torch

    found = torch.load(stream, map_location="meta", weights_only=True)  # a tensor there has a shape and no values
    if isinstance(found, dict):
        found = found[choose([str(name) for name in found])]
    return tuple(found.shape)


def _of_safetensors(stream: BinaryIO, choose: Choose) -> tuple[int, ...]:
    size = int.from_bytes(stream.read(8), "little")
    if size > _MAX_HEADER_BYTES:
        raise ValueError(f"a header of {size} bytes")
    header = json.loads(stream.read(size))
    header.pop("__metadata__", None)
    return tuple(header[choose(list(header))]["shape"])


_SHAPES: Final[dict[str, Callable[[BinaryIO, Choose], tuple[int, ...]]]] = {
    ".npy": _of_npy,
    ".npz": _of_npz,
    ".pt": _of_pt,
    ".safetensors": _of_safetensors,
}

"""The chunks of a PNG file, found by their lengths alone."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

SIGNATURE_BYTES: Final = 8
LENGTH_AND_TYPE_BYTES: Final = 8
CHECKSUM_BYTES: Final = 4
_TAGS: Final = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")
"""Chunks that may hold EXIF tags: as such, or in a text of ImageMagick's."""


def chunk_types(source: Path | bytes) -> Iterator[bytes]:
    """The four letters of each chunk, until the file, or its bytes, end. Raises OSError if it can't be read."""
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as stream:
        stream.seek(SIGNATURE_BYTES)
        while len(head := stream.read(LENGTH_AND_TYPE_BYTES)) == LENGTH_AND_TYPE_BYTES:
            yield head[4:]
            stream.seek(int.from_bytes(head[:4], "big") + CHECKSUM_BYTES, 1)


def has_tags_behind_pixels(source: Path | bytes) -> bool:
    """Whether a chunk that may hold EXIF tags follows the first one of pixels."""
    pixels = False
    for kind in chunk_types(source):
        if pixels and kind in _TAGS:
            return True
        pixels = pixels or kind == b"IDAT"
    return False

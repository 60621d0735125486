"""The checksums inside a PNG file, which Pillow doesn't look at for pixel data."""

import zlib
from typing import Final

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEAD_BYTES: Final = 8
_CHECKSUM_BYTES: Final = 4


def png_fault(data: bytes) -> str | None:
    """What is wrong with the chunks of a PNG file: a checksum that differs, or no end; None if they are sound."""
    view = memoryview(data)
    position = len(SIGNATURE)
    while position + _HEAD_BYTES + _CHECKSUM_BYTES <= len(data):
        length = int.from_bytes(view[position : position + 4], "big")
        name = bytes(view[position + 4 : position + 8])
        end = position + _HEAD_BYTES + length
        if end + _CHECKSUM_BYTES > len(data):
            break
        if zlib.crc32(view[position + 4 : end]) != int.from_bytes(view[end : end + _CHECKSUM_BYTES], "big"):
            return f"checksum of chunk {name.decode('ascii', 'replace')!r} at byte {position} differs"
        if name == b"IEND":
            return None
        position = end + _CHECKSUM_BYTES
    return "the file ends before its last chunk"

"""Scratch files: what an unfinished stage leaves so that less is done twice; whole and fitting, or not there."""

import hashlib
from typing import Final

from raymeta.runs.store_files import StoreFiles

_MAGIC: Final = b"RAYMETA1"
_DIGEST_BYTES: Final = 32


def write_scratch(files: StoreFiles, path: str, data: bytes, key: str = "") -> None:
    """Write a file that carries its own checksum. key: names what it was made from; it is read by the same key only."""
    files.write(path, _MAGIC + _digest(data, key) + data)


def read_scratch(files: StoreFiles, path: str, key: str = "") -> bytes | None:
    """Content of a scratch file; None if missing, truncated, damaged or written under another key."""
    data = files.read(path)
    start = len(_MAGIC)
    if data is None or data[:start] != _MAGIC:
        return None
    digest, content = data[start : start + _DIGEST_BYTES], data[start + _DIGEST_BYTES :]
    return content if _digest(content, key) == digest else None


def _digest(data: bytes, key: str) -> bytes:
    digest = hashlib.sha256(hashlib.sha256(key.encode()).digest())
    digest.update(data)
    return digest.digest()

"""Names of files that are made from labels and image ids."""

import hashlib
from typing import Final

MAX_BYTES: Final = 80
"""Of one part; a file's name has at most 255."""


def file_key(text: str) -> str:
    """The text as part of a file name; a long one is cut, with a checksum so that texts which differ later differ."""
    key = "".join(c if c.isalnum() or c in "-_" else "_" for c in text)
    if len(key.encode()) <= MAX_BYTES:
        return key
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{key.encode()[: MAX_BYTES - 9].decode(errors='ignore')}_{digest}"

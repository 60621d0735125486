"""A Parquet file that carries the checksum of its own bytes, for tables that no manifest vouches for."""

import hashlib
import json
from typing import Final

import pyarrow as pa

from raymeta.runs.iteration_folder import table_from_bytes, table_to_bytes

_KEY: Final = b"raymeta_file_sha256"
_MADE_FROM: Final = b"raymeta_made_from"
_ZEROS: Final = b"0" * 64
_HEADER: Final = 2
"""Between the name of an entry of Parquet's metadata and its value: type and length, as Thrift writes them."""
_VALUES_KEY: Final = b"raymeta_content_sha256"
"""Entry of raymeta up to format 2's first files: checksum of the values, which a bit flipped elsewhere leaves valid."""


def seal(table: pa.Table, made_from: str = "") -> bytes:
    """The table as a Parquet file with the SHA-256 of the file, taken with 64 zeros in the checksum's place.

    made_from: names what the table was made from, empty where that is of no account.
    """
    data = table_to_bytes(table.replace_schema_metadata({_MADE_FROM: made_from.encode(), _KEY: _ZEROS}))
    start = _checksum_at(data)
    return data[:start] + _checksum(data, start) + data[start + len(_ZEROS) :]


def open_sealed(data: bytes, made_from: str = "") -> pa.Table | None:
    """The table of a sealed file; None if any bit of it has changed, it was never sealed, or made from something else.

    made_from: as for `seal`; empty, or a file that doesn't tell, is not compared.
    """
    start = _checksum_at(data)
    if start <= _HEADER:
        return _open_with_checked_values(data)
    if data[start : start + len(_ZEROS)] != _checksum(data, start):
        return None
    table = table_from_bytes(data)
    kept = table.schema.metadata[_MADE_FROM].decode()
    return None if kept and made_from and kept != made_from else table.replace_schema_metadata(None)


def _checksum_at(data: bytes) -> int:
    """Where the checksum begins; at most `_HEADER` if the file has none."""
    at = data.rfind(_KEY)
    return at + len(_KEY) + _HEADER if at >= 0 else 0


def _checksum(data: bytes, start: int) -> bytes:
    return hashlib.sha256(data[:start] + _ZEROS + data[start + len(_ZEROS) :]).hexdigest().encode()


def _open_with_checked_values(data: bytes) -> pa.Table | None:
    """A table of an earlier raymeta."""
    try:
        table = table_from_bytes(data)
        values = json.dumps(table.to_pydict(), sort_keys=True).encode()
    except (OSError, ValueError, pa.ArrowException):
        return None
    known = (table.schema.metadata or {}).get(_VALUES_KEY)
    return table.replace_schema_metadata(None) if known == hashlib.sha256(values).hexdigest().encode() else None

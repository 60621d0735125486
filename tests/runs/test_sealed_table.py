"""Tables that carry the checksum of their own file."""

from pathlib import Path

import pyarrow as pa
import pytest

from raymeta.runs.run_store import RunStore
from raymeta.runs.sealed_table import open_sealed, seal
from raymeta.schemas import WHOLE_IMAGE_CLICKS_SCHEMA

ROWS = [
    {"image_id": f"aachen_{index}", "polygon_clicks": 7 * index, "class_clicks": index, "pixels": 6144}
    for index in range(9)
]
TABLE = pa.Table.from_pylist(ROWS, schema=WHOLE_IMAGE_CLICKS_SCHEMA)


def test_a_table_comes_back_without_its_seal():
    found = open_sealed(seal(TABLE))
    assert found.equals(TABLE, check_metadata=True)


@pytest.mark.parametrize("table", [TABLE.slice(0, 0), TABLE.slice(0, 1), pa.table({"raymeta_file_sha256": ["0" * 64]})])
def test_odd_tables(table):
    assert open_sealed(seal(table)).equals(table)


def test_every_flipped_bit_is_found():
    data = seal(TABLE)
    for at in range(len(data)):
        for bit in range(8):
            harmed = data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :]
            assert open_sealed(harmed) is None, (at, bit)


def test_every_truncation_and_any_appended_byte_is_found():
    data = seal(TABLE)
    assert all(open_sealed(data[:length]) is None for length in range(len(data)))
    assert open_sealed(data + b"\0") is None


def test_a_table_that_was_never_sealed_is_none(tmp_path):
    from raymeta.runs.iteration_folder import table_to_bytes

    assert open_sealed(table_to_bytes(TABLE)) is None


def test_tables_of_version_0_1_0_open():
    store = RunStore(str(Path(__file__).parent / "format_1_run"))
    assert store.read_split().num_rows > 0
    assert store.read_pool_clicks().num_rows > 0

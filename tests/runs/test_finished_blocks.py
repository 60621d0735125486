import threading
import time
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raymeta.annotation.known_labels import KnownLabels
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.boxes import Box
from raymeta.runs.background_writer import BackgroundWriter
from raymeta.runs.finished_blocks import FinishedBlocks
from raymeta.runs.input_key import input_key, labels_key
from raymeta.runs.store_files import RunError, StoreFiles

ROW = {"image_id": "grün", "error": None, "score": 0.1 + 0.2, "count": 2**40, "table": b"\0\xff", "flag": True}


def kept(files: StoreFiles, key: str = "k") -> list[dict[str, object]]:
    with FinishedBlocks(files, "blocks", key) as finished:
        return [row for rows in finished.blocks() for row in rows]


def test_rows_come_back_exactly(tmp_path: Path) -> None:
    files = StoreFiles(str(tmp_path))
    with FinishedBlocks(files, "blocks", "k") as finished:
        finished.add([ROW, ROW | {"image_id": "b"}])
        finished.add([])
    with FinishedBlocks(files, "blocks", "k") as finished:
        finished.add([ROW | {"image_id": "c"}])
    assert kept(files) == [ROW, ROW | {"image_id": "b"}, ROW | {"image_id": "c"}]
    assert kept(files, "another key") == []
    with FinishedBlocks(files, "blocks", "k") as finished:
        finished.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_pool_may_have_more_than_a_million_parts(tmp_path: Path) -> None:
    files = StoreFiles(str(tmp_path))
    with FinishedBlocks(files, "blocks", "k") as finished:
        finished.add([ROW])
    (tmp_path / "blocks/000000.arrow").rename(tmp_path / "blocks/999999.arrow")
    for name in "bc":
        with FinishedBlocks(files, "blocks", "k") as finished:
            finished.add([ROW | {"image_id": name}])
    assert [row["image_id"] for row in kept(files)] == [ROW["image_id"], "b", "c"]


@settings(max_examples=30, deadline=None)
@given(harm=st.integers(0, 400), cut=st.booleans(), which=st.integers(0, 2))
def test_a_damaged_part_is_passed_over_alone(tmp_path_factory, harm: int, cut: bool, which: int) -> None:
    root = tmp_path_factory.mktemp("blocks")
    files = StoreFiles(str(root))
    for name in "abc":
        with FinishedBlocks(files, "blocks", "k") as finished:
            finished.add([ROW | {"image_id": name}])
    path = root / "blocks" / f"{which:06d}.arrow"
    content = path.read_bytes()
    at = harm % len(content)
    path.write_bytes(content[:at] if cut else content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    assert [row["image_id"] for row in kept(files)] == [name for index, name in enumerate("abc") if index != which]
    with FinishedBlocks(files, "blocks", "k") as finished:
        finished.add([ROW | {"image_id": "d"}])
    assert kept(files)[-1]["image_id"] == "d"


def test_an_error_of_the_store_reaches_the_caller(tmp_path: Path) -> None:
    finished = FinishedBlocks(StoreFiles(str(tmp_path)), "blocks", "k")
    (tmp_path / "blocks").write_text("a file where the folder belongs")
    finished.add([ROW])
    with pytest.raises(RunError, match="can't be written"):
        finished.discard()


def test_saved_is_called_once_rows_can_be_read_back(tmp_path: Path) -> None:
    files = StoreFiles(str(tmp_path))
    found: dict[str, bool] = {}

    def look(name: str) -> None:
        found[name] = name in [row["image_id"] for row in kept(files)]

    with FinishedBlocks(files, "blocks", "k") as finished:
        for name in "abc":
            finished.add([ROW | {"image_id": name}], partial(look, name))
        finished.add([], partial(look, "none"))
    assert found == {"a": True, "b": True, "c": True, "none": False}


def test_a_failed_write_lets_go_who_waits_for_it(tmp_path: Path) -> None:
    finished = FinishedBlocks(StoreFiles(str(tmp_path)), "blocks", "k")
    (tmp_path / "blocks").write_text("a file where the folder belongs")
    called = threading.Event()
    finished.add([ROW], called.set)
    assert called.wait(10)
    with pytest.raises(RunError, match="can't be written"):
        finished.discard()


def test_writer_joins_what_waits_and_never_makes_the_caller_wait() -> None:
    gate, written = threading.Event(), []

    def write(item: list[int]) -> None:
        gate.wait(5)
        written.append(item)

    with BackgroundWriter(write, lambda old, new: old + new) as writer:
        began = time.monotonic()
        for number in range(5):
            writer.put([number])
        assert time.monotonic() - began < 1
        gate.set()
    assert [number for item in written for number in item] == list(range(5))
    assert len(written) <= 3


def test_writer_raises_in_put_and_close_what_a_write_raised() -> None:
    def write(item: int) -> None:
        raise RunError(f"no room for {item}")

    writer = BackgroundWriter(write, lambda old, new: new)
    writer.put(1)
    deadline = time.monotonic() + 5
    while writer.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(RunError, match="no room for 1"):
        writer.put(2)
    with pytest.raises(RunError, match="no room for 1"):
        writer.close()


def test_the_own_error_of_a_block_comes_first() -> None:
    def write(item: int) -> None:
        raise RunError("no room")

    def work() -> None:
        with BackgroundWriter(write, lambda old, new: new) as writer:
            writer.put(3)
            raise KeyError("own")

    with pytest.raises(KeyError, match="own"):
        work()


def test_keys_differ_where_inputs_do() -> None:
    one = LabelledRegions(frozenset("ab"), {"c": (Box(0, 1, 2),)})
    two = LabelledRegions(frozenset("ab"), {"c": (Box(0, 1, 3),)})
    same = LabelledRegions(frozenset("ba"), {"c": (Box(0, 1, 2),)})
    known = [labels_key(KnownLabels(regions)) for regions in (one, same, two)]
    assert known[0] == known[1] != known[2]
    keys = [input_key(*inputs) for inputs in [(b"a",), ("a",), (None,), ("None",), (b"", b"a"), (b"a", b""), (one,)]]
    assert len(set(keys)) == len(keys)

"""Finished blocks of an unfinished stage: kept in the run folder, so that a resumed run goes on behind them."""

import re
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Final, Self

import pyarrow as pa

from raymeta.runs.background_writer import BackgroundWriter
from raymeta.runs.scratch_files import read_scratch, write_scratch
from raymeta.runs.store_files import StoreFiles

Row = dict[str, Any]
_Waiting = tuple[list[Row], list[Callable[[], None]]]
_PART: Final = re.compile(r"(\d{6,})\.arrow")


class FinishedBlocks:
    """Rows of plain values, added block by block; durable as soon as the store has taken them.

    Each part is a scratch file of its own: parts that are damaged, cut short or were made from other inputs (`key`)
    are passed over, and their work is done again.
    """

    def __init__(self, files: StoreFiles, folder: str, key: str) -> None:
        self._files = files
        self._folder = folder
        self._key = key
        found = {name: int(part[1]) for name in files.files(folder) if (part := _PART.fullmatch(name))}
        self._parts = sorted(found, key=found.__getitem__)
        self._next = 1 + max(found.values(), default=-1)
        self._writer: BackgroundWriter[_Waiting] = BackgroundWriter(self._write, _join)

    def blocks(self) -> Iterator[list[Row]]:
        """Rows of each sound part that an earlier process left; read one part at a time."""
        for name in self._parts:
            data = read_scratch(self._files, f"{self._folder}/{name}", self._key)
            if data is not None:
                yield pa.ipc.open_stream(data).read_all().to_pylist()

    def add(self, rows: Sequence[Row], saved: Callable[[], None] = lambda: None) -> None:
        """Keep rows; all rows of a log have the same fields. Raises RunError where an earlier write failed.

        saved: called once they are durable, by the thread that writes; also if they can't be, since whoever waits for
        it must come to the next call, which raises.
        """
        if rows:
            self._writer.put((list(rows), [saved]))
        else:
            saved()

    def discard(self) -> None:
        """Remove all parts: their stage is committed."""
        self._writer.close()
        self._files.delete_folder(self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.__exit__(kind, error, trace)

    def _write(self, waiting: _Waiting) -> None:
        rows, calls = waiting
        table = pa.Table.from_pylist(rows)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        path = f"{self._folder}/{self._next:06d}.arrow"
        try:
            write_scratch(self._files, path, sink.getvalue().to_pybytes(), self._key)
        finally:
            for saved in calls:
                saved()
        self._next += 1


def _join(old: _Waiting, new: _Waiting) -> _Waiting:
    return old[0] + new[0], old[1] + new[1]

"""One iteration's artefacts: written first, and counted once the manifest names them with their checksums."""

import json
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from raymeta.runs.finished_blocks import FinishedBlocks
from raymeta.runs.manifest import STAGES, FileEntry, Manifest, StageEntry, checksum
from raymeta.runs.scratch_files import read_scratch, write_scratch
from raymeta.runs.store_files import RunError, StoreFiles

__all__ = ["MANIFEST", "STAGES", "TRAINING_STATE", "IterationFolder", "checksum", "table_from_bytes", "table_to_bytes"]

MANIFEST: Final = "manifest.json"
TRAINING_STATE: Final = "training_state.pt"
"""Scratch of stage train: the network after its last epoch, with all that is needed to go on."""
LABELS_SNAPSHOT: Final = "labels.snapshot"
"""Scratch of stage train: which answers of people count for it, so that a resumed training goes on with the same."""
_BLOCKS: Final = ".blocks"


def table_to_bytes(table: pa.Table) -> bytes:
    """A table as one Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue().to_pybytes())


def table_from_bytes(data: bytes) -> pa.Table:
    """The table of a Parquet file.

    Not by `pq.read_table`: that scans a data set with threads of its own, one of which may hold `data` for longer than
    the interpreter lives, and then aborts the process at its exit.
    """
    return pq.ParquetFile(pa.BufferReader(data)).read(use_threads=False)


class IterationFolder:
    """RUN/iterations/KKK: artefacts, their manifest, and scratch files that a resumed stage may use."""

    def __init__(self, files: StoreFiles, folder: str) -> None:
        self._files = files
        self._folder = folder
        self._written: dict[str, FileEntry] = {}

    @property
    def location(self) -> str:
        """Full path of the folder."""
        return self._files.path(self._folder)

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write an artefact; it counts once `commit` names it."""
        self._files.write(self._path(name), data)
        self._written[name] = FileEntry.of(data)

    def write_table(self, name: str, table: pa.Table) -> None:
        """Write a table as Parquet."""
        self.write_bytes(name, table_to_bytes(table))

    def write_json(self, name: str, value: Any) -> None:
        """Write plain values; nan and infinity are refused (write None)."""
        self.write_bytes(name, (json.dumps(value, indent=2, allow_nan=False) + "\n").encode())

    def read_bytes(self, name: str) -> bytes:
        """Content of a committed artefact.

        Raises:
            RunError: not committed, missing or damaged.
        """
        entry = self._manifest().entry_of(name)
        if entry is None:
            raise RunError(f"{self._full(name)} is not committed: resume the run with `raymeta run`")
        data = self._files.read(self._path(name))
        fault = entry.fault(data)
        if data is None or fault:
            raise RunError(f"{self._full(name)} is {fault}: resume the run with `raymeta run` to make it anew")
        return data

    def read_table(self, name: str) -> pa.Table:
        """A committed table."""
        return table_from_bytes(self.read_bytes(name))

    def read_json(self, name: str) -> Any:
        """Plain values of a committed artefact."""
        return json.loads(self.read_bytes(name))

    def is_named(self, name: str) -> bool:
        """Whether the manifest names this artefact; its content is not looked at."""
        return self._manifest().entry_of(name) is not None

    def commit(self, stage: str, names: list[str], seconds: float = 0.0, inputs: str = "") -> None:
        """Name a stage's files in the manifest, written last; entries of later stages are dropped.

        inputs: names what the stage was made from; see `inputs`.

        Raises:
            RunError: an earlier stage is not in the manifest, or a file was never written.
        """
        stages = self._manifest().stages
        for earlier in _up_to(stage)[:-1]:
            if earlier not in stages:
                raise RunError(f"{self._full(stage)}: stage {earlier} comes before {stage}: commit it first")
        entry = StageEntry.now({name: self._entry(name) for name in names}, seconds, inputs)
        kept = {earlier: stages[earlier] for earlier in _up_to(stage)[:-1]}
        self._files.write(self._path(MANIFEST), Manifest({**kept, stage: entry}).to_bytes())

    def committed_stages(self) -> list[str]:
        """The stages that count, in order: each file of each is read and checked once."""
        stages = self._manifest().stages
        counted: list[str] = []
        for stage in STAGES:
            if stage not in stages or self._faults(stages[stage]):
                break
            counted.append(stage)
        return counted

    def is_committed(self, stage: str) -> bool:
        """Whether this stage and all before it are in the manifest with sound files."""
        stages = self._manifest().stages
        return all(name in stages and not self._faults(stages[name]) for name in _up_to(stage))

    def damaged(self, stage: str) -> list[str]:
        """`path: fault` for each file that the manifest promises for this stage and that is missing or damaged."""
        data = self._files.read(self._path(MANIFEST))
        if data is not None and Manifest.from_bytes(data) is None:
            return [f"{self._full(MANIFEST)}: damaged"]
        entry = self._manifest().stages.get(stage)
        return self._faults(entry) if entry else []

    def fingerprint(self, stage: str) -> str | None:
        """Checksum of what the manifest says of this stage and all before it; None where one isn't in the manifest.

        It changes when one of these stages is done again; no artefact is read.
        """
        return self._manifest().fingerprint(_up_to(stage))

    def stage_seconds(self) -> dict[str, float]:
        """Seconds that each stage in the manifest took."""
        return {name: float(entry.seconds) for name, entry in self._manifest().stages.items()}

    def inputs(self, stage: str) -> str:
        """What `commit` was told of a stage's inputs; empty where it was told nothing."""
        entry = self._manifest().stages.get(stage)
        return "" if entry is None else entry.inputs

    def write_scratch(self, name: str, data: bytes, key: str = "") -> None:
        """Write a file that carries its own checksum and belongs to no stage; `key` names what it was made from."""
        write_scratch(self._files, self._path(name), data, key)

    def read_scratch(self, name: str, key: str = "") -> bytes | None:
        """Content of a scratch file; None if missing, truncated, damaged or written under another key."""
        return read_scratch(self._files, self._path(name), key)

    def finished_blocks(self, stage: str, key: str) -> FinishedBlocks:
        """Blocks of an unfinished stage that were done from the inputs that `key` names."""
        return FinishedBlocks(self._files, self._path(stage + _BLOCKS), key)

    def delete_scratch_files(self) -> None:
        """Remove the scratch of all stages, and the temporary files of a process that was killed while it wrote."""
        temporary = {f".{name}.tmp" for stage in self._manifest().stages.values() for name in (*stage.files, MANIFEST)}
        for name in self._files.files(self._folder):
            if name in (TRAINING_STATE, LABELS_SNAPSHOT) or name in temporary:
                self._files.delete(self._path(name))
        for name in self._files.folders(self._folder):
            if name.endswith(_BLOCKS):
                self._files.delete_folder(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}"

    def _full(self, name: str) -> str:
        return self._files.path(self._path(name))

    def _entry(self, name: str) -> FileEntry:
        if name in self._written:
            return self._written[name]
        data = self._files.read(self._path(name))
        if data is None:
            raise RunError(f"{self._full(name)} was never written: write it before its stage is committed")
        return FileEntry.of(data)

    def _faults(self, entry: StageEntry) -> list[str]:
        return [
            f"{self._full(name)}: {fault}"
            for name, expected in entry.files.items()
            if (fault := self._file_fault(name, expected))
        ]

    def _file_fault(self, name: str, expected: FileEntry) -> str | None:
        fault = expected.size_fault(self._files.size(self._path(name)))
        return fault or expected.fault(self._files.read(self._path(name)))

    def _manifest(self) -> Manifest:
        data = self._files.read(self._path(MANIFEST))
        return (Manifest.from_bytes(data) if data is not None else None) or Manifest()


def _up_to(stage: str) -> tuple[str, ...]:
    if stage not in STAGES:
        raise RunError(f"stage {stage!r} is unknown: choose one of {', '.join(STAGES)}")
    return STAGES[: STAGES.index(stage) + 1]

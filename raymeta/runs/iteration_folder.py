"""One iteration's artefacts: written first, and counted once the manifest names them with their checksums."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from raymeta.runs.finished_blocks import FinishedBlocks
from raymeta.runs.scratch_files import read_scratch, write_scratch
from raymeta.runs.store_files import RunError, StoreFiles

STAGES: Final = ("train", "fit", "score", "annotate", "summary")
"""Stages of an iteration, in their order.

train: training.parquet, network.pt, evaluation.json and, where people label, labels.parquet; fit: fit.json and, with a
meta regressor, meta_regressor.bin and segments.parquet; score: images.parquet and query.parquet; annotate:
annotation.parquet; summary: summary.json.
"""
MANIFEST: Final = "manifest.json"
TRAINING_STATE: Final = "training_state.pt"
"""Scratch of stage train: the network after its last epoch, with all that is needed to go on."""
LABELS_SNAPSHOT: Final = "labels.snapshot"
"""Scratch of stage train: which answers of people count for it, so that a resumed training goes on with the same."""
_BLOCKS: Final = ".blocks"


def checksum(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def table_to_bytes(table: pa.Table) -> bytes:
    """A table as one Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue().to_pybytes())


def table_from_bytes(data: bytes) -> pa.Table:
    """The table of a Parquet file."""
    return pq.read_table(pa.BufferReader(data))


class IterationFolder:
    """RUN/iterations/KKK: artefacts, their manifest, and scratch files that a resumed stage may use."""

    def __init__(self, files: StoreFiles, folder: str) -> None:
        self._files = files
        self._folder = folder
        self._written: dict[str, dict[str, Any]] = {}

    @property
    def location(self) -> str:
        """Full path of the folder."""
        return self._files.path(self._folder)

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write an artefact; it counts once `commit` names it."""
        self._files.write(self._path(name), data)
        self._written[name] = {"sha256": checksum(data), "bytes": len(data)}

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
        entries = [stage["files"][name] for stage in self._stages().values() if name in stage["files"]]
        if not entries:
            raise RunError(f"{self._full(name)} is not committed: resume the run with `raymeta run`")
        data = self._files.read(self._path(name))
        fault = _fault(data, entries[0])
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
        return any(name in stage["files"] for stage in self._stages().values())

    def commit(self, stage: str, names: list[str], seconds: float = 0.0, inputs: str = "") -> None:
        """Name a stage's files in the manifest, written last; entries of later stages are dropped.

        inputs: names what the stage was made from; see `inputs`.

        Raises:
            RunError: an earlier stage is not in the manifest, or a file was never written.
        """
        stages = self._stages()
        for earlier in _up_to(stage)[:-1]:
            if earlier not in stages:
                raise RunError(f"{self._full(stage)}: stage {earlier} comes before {stage}: commit it first")
        entry = {
            "files": {name: self._entry(name) for name in names},
            "committed_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(float(seconds), 3),
            "inputs": inputs,
        }
        kept = {earlier: stages[earlier] for earlier in _up_to(stage)[:-1]}
        self._write_manifest({**kept, stage: entry})

    def committed_stages(self) -> list[str]:
        """The stages that count, in order: each file of each is read and checked once."""
        stages = self._stages()
        counted: list[str] = []
        for stage in STAGES:
            if stage not in stages or self._faults(stages[stage]):
                break
            counted.append(stage)
        return counted

    def is_committed(self, stage: str) -> bool:
        """Whether this stage and all before it are in the manifest with sound files."""
        stages = self._stages()
        return all(name in stages and not self._faults(stages[name]) for name in _up_to(stage))

    def damaged(self, stage: str) -> list[str]:
        """`path: fault` for each file that the manifest promises for this stage and that is missing or damaged."""
        data = self._files.read(self._path(MANIFEST))
        if data is not None and _parse_manifest(data) is None:
            return [f"{self._full(MANIFEST)}: damaged"]
        entry = self._stages().get(stage)
        return self._faults(entry) if entry else []

    def fingerprint(self, stage: str) -> str | None:
        """Checksum of what the manifest says of this stage and all before it; None where one isn't in the manifest.

        It changes when one of these stages is done again; no artefact is read.
        """
        stages = self._stages()
        names = _up_to(stage)
        if not all(name in stages for name in names):
            return None
        return _digest({name: stages[name] for name in names})

    def stage_seconds(self) -> dict[str, float]:
        """Seconds that each stage in the manifest took."""
        return {name: float(entry["seconds"]) for name, entry in self._stages().items()}

    def inputs(self, stage: str) -> str:
        """What `commit` was told of a stage's inputs; empty where it was told nothing."""
        return str(self._stages().get(stage, {}).get("inputs", ""))

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
        temporary = {f".{name}.tmp" for stage in self._stages().values() for name in (*stage["files"], MANIFEST)}
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

    def _entry(self, name: str) -> dict[str, Any]:
        if name in self._written:
            return self._written[name]
        data = self._files.read(self._path(name))
        if data is None:
            raise RunError(f"{self._full(name)} was never written: write it before its stage is committed")
        return {"sha256": checksum(data), "bytes": len(data)}

    def _faults(self, entry: dict[str, Any]) -> list[str]:
        return [
            f"{self._full(name)}: {fault}"
            for name, expected in entry["files"].items()
            if (fault := self._file_fault(name, expected))
        ]

    def _file_fault(self, name: str, expected: dict[str, Any]) -> str | None:
        size = self._files.size(self._path(name))
        if size != expected["bytes"]:  # cheaper than reading a file that can't be right
            return "missing" if size is None else f"damaged ({size} bytes instead of {expected['bytes']})"
        return _fault(self._files.read(self._path(name)), expected)

    def _stages(self) -> dict[str, dict[str, Any]]:
        data = self._files.read(self._path(MANIFEST))
        return (_parse_manifest(data) if data is not None else None) or {}

    def _write_manifest(self, stages: dict[str, dict[str, Any]]) -> None:
        manifest = {"stages": stages, "sha256": _digest(stages)}
        self._files.write(self._path(MANIFEST), (json.dumps(manifest, indent=2) + "\n").encode())


def _up_to(stage: str) -> tuple[str, ...]:
    if stage not in STAGES:
        raise RunError(f"stage {stage!r} is unknown: choose one of {', '.join(STAGES)}")
    return STAGES[: STAGES.index(stage) + 1]


def _fault(data: bytes | None, expected: dict[str, Any]) -> str | None:
    """What is wrong with a file's content; None if it is sound."""
    if data is None:
        return "missing"
    if len(data) != expected["bytes"]:
        return f"damaged ({len(data)} bytes instead of {expected['bytes']})"
    return None if checksum(data) == expected["sha256"] else "damaged (checksum differs)"


def _digest(stages: dict[str, dict[str, Any]]) -> str:
    return checksum(json.dumps(stages, sort_keys=True).encode())


def _parse_manifest(data: bytes) -> dict[str, dict[str, Any]] | None:
    """The stages of a manifest; None if it is damaged."""
    try:
        manifest = json.loads(data)
        stages = manifest["stages"]
        sound = manifest["sha256"] == _digest(stages) and all(map(_is_entry, stages.values()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return stages if sound else None


def _is_entry(entry: Any) -> bool:
    """Whether a stage's entry has its form, and names only files of its own folder."""
    return isinstance(entry["seconds"], (int, float)) and all(
        "/" not in name and "\\" not in name and isinstance(file["sha256"], str) and isinstance(file["bytes"], int)
        for name, file in entry["files"].items()
    )

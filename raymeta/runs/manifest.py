"""The manifest of an iteration: which files each stage committed, with their checksums."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

STAGES: Final = ("train", "fit", "score", "annotate", "summary")
"""Stages of an iteration, in their order.

train: training.parquet, network.pt, evaluation.json and, where people label, labels.parquet; fit: fit.json and, with a
meta regressor, meta_regressor.bin and segments.parquet; score: images.parquet and query.parquet; annotate:
annotation.parquet; summary: summary.json.
"""


def checksum(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


class _Entry(BaseModel):
    # What a later version adds is kept, since the checksum is over all of it.
    model_config = ConfigDict(frozen=True, strict=True, extra="allow", populate_by_name=True, allow_inf_nan=False)


class FileEntry(_Entry):
    """One committed file."""

    sha256: str
    size: int = Field(alias="bytes")

    @classmethod
    def of(cls, data: bytes) -> "FileEntry":
        """The entry of a file with this content."""
        return cls(sha256=checksum(data), size=len(data))

    def fault(self, data: bytes | None) -> str | None:
        """What is wrong with a file's content; None if it is sound."""
        if data is None:
            return "missing"
        return self.size_fault(len(data)) or (None if checksum(data) == self.sha256 else "damaged (checksum differs)")

    def size_fault(self, size: int | None) -> str | None:
        """What a file's size tells: cheaper than reading one that can't be right."""
        if size == self.size:
            return None
        return "missing" if size is None else f"damaged ({size} bytes instead of {self.size})"


class StageEntry(_Entry):
    """What a stage committed. seconds: that it took. inputs: names what it was made from; empty where nothing did."""

    files: dict[str, FileEntry]
    seconds: int | float
    committed_at: str = ""
    inputs: str = Field("")

    @classmethod
    def now(cls, files: Mapping[str, FileEntry], seconds: float, inputs: str) -> "StageEntry":
        """The entry of a stage that is committed at this moment."""
        moment = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(files=dict(files), committed_at=moment, seconds=round(float(seconds), 3), inputs=inputs)


@dataclass(frozen=True)
class Manifest:
    """All stages of an iteration that were committed, by name."""

    stages: Mapping[str, StageEntry] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """JSON that carries its own checksum."""
        stages = self._plain(self.stages)
        return (json.dumps({"stages": stages, "sha256": _digest(stages)}, indent=2) + "\n").encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Manifest | None":
        """What `to_bytes` wrote; None if it is damaged, or names files outside its folder."""
        try:
            content = json.loads(data)
            if content["sha256"] != _digest(content["stages"]):
                return None
            stages = {name: StageEntry.model_validate(entry) for name, entry in content["stages"].items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ValidationError):
            return None
        names = (name for entry in stages.values() for name in entry.files)
        return None if any("/" in name or "\\" in name for name in names) else cls(stages)

    def entry_of(self, name: str) -> FileEntry | None:
        """The entry of a file, whichever stage wrote it."""
        return next((stage.files[name] for stage in self.stages.values() if name in stage.files), None)

    def fingerprint(self, names: tuple[str, ...]) -> str | None:
        """Checksum of what is said of these stages; None where one is missing."""
        if not all(name in self.stages for name in names):
            return None
        return _digest(self._plain({name: self.stages[name] for name in names}))

    @staticmethod
    def _plain(stages: Mapping[str, StageEntry]) -> dict[str, Any]:
        return {name: entry.model_dump(by_alias=True, exclude_unset=True) for name, entry in stages.items()}


def _digest(stages: dict[str, Any]) -> str:
    return checksum(json.dumps(stages, sort_keys=True).encode())

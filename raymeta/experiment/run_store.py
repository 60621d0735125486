"""Where each artefact of a run lies, and what of it counts after the run was killed at any moment."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import yaml
from pyarrow import fs

from raymeta import __version__
from raymeta.config import RESUME_MAY_CHANGE, ConfigError, ExperimentConfig, differences, parse_config
from raymeta.experiment.iteration_folder import STAGES, IterationFolder, table_from_bytes, table_to_bytes
from raymeta.experiment.run_lock import hold_lock
from raymeta.experiment.store_files import RunError, StoreFiles

__all__ = ["STAGES", "IterationFolder", "RunError", "RunStore"]

FORMAT_VERSION: Final = 1
RUN: Final = "run.json"
CONFIG: Final = "config.yaml"
SPLIT: Final = "split.parquet"
POOL_CLICKS: Final = "pool_clicks.parquet"
CLASS_NAMES: Final = "class_names.json"
_CONTENT_DIGEST: Final = b"raymeta_content_sha256"


class RunStore:
    """A run folder: a local path, or a URI that pyarrow's file systems open.

    Raises:
        RunError: a URI that no file system opens.
    """

    def __init__(self, location: str, filesystem: fs.FileSystem | None = None) -> None:
        self._files = StoreFiles(location, filesystem)

    @property
    def location(self) -> str:
        """The place as it was given, a relative local path made absolute."""
        return self._files.location if self._files.local_root is None else str(self._files.local_root)

    @property
    def local_root(self) -> Path | None:
        """The folder as a local path; None behind other file systems."""
        return self._files.local_root

    def exists(self) -> bool:
        """Whether a run was begun here."""
        return self._files.size(RUN) is not None

    def create(self, config: ExperimentConfig) -> None:
        """Begin a run, or open the one that is there; values that a resumed run may change are taken over.

        Raises:
            RunError: the folder holds a run of another config (each difference is listed), or can't be written.
        """
        if self.exists():
            self._check_same(config)
            if self._sound_config() != config:
                self._write_config(config)
            return
        self._write_config(config)
        run = {
            "format_version": FORMAT_VERSION,
            "raymeta": __version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "strategy": config.acquisition.strategy,
            "seed": config.seed,
            "config_sha256": _config_digest(config.model_dump()),
        }
        self._files.write(RUN, (json.dumps(run, indent=2) + "\n").encode())

    def run_info(self) -> dict[str, Any]:
        """Content of run.json.

        Raises:
            RunError: no run here, damaged, or written by a newer raymeta.
        """
        data = self._files.read(RUN)
        if data is None:
            raise RunError(f"{self.location} holds no run: give a run folder, or start one with `raymeta run CONFIG`")
        try:
            run = json.loads(data)
            version = int(run["format_version"])
        except (ValueError, KeyError, TypeError) as error:
            raise RunError(f"{self._files.path(RUN)} is damaged: restore it or choose another run_dir") from error
        if version > FORMAT_VERSION:
            raise RunError(
                f"{self._files.path(RUN)} has format {version}, "
                f"this raymeta reads up to {FORMAT_VERSION}: update raymeta"
            )
        return dict(run)

    def load_config(self) -> ExperimentConfig:
        """The config of the run.

        Raises:
            RunError: no run here, or config.yaml is missing or was changed since.
        """
        self.run_info()
        config = self._sound_config()
        if config is None:
            raise RunError(
                f"{self._files.path(CONFIG)} is missing, damaged or was edited: "
                "resume the run with its own config to write it anew"
            )
        return config

    def write_split(self, table: pa.Table) -> None:
        """Keep which image is in which part (schemas.SPLIT_SCHEMA).

        Raises:
            RunError: another split is kept already, because the images of the data set changed.
        """
        kept = self.read_split()
        if kept is None:
            self._write_checked(SPLIT, table)
        elif not kept.equals(table):
            raise RunError(
                f"{self._files.path(SPLIT)} names other images than the data set has now: "
                "restore the data set or choose another run_dir"
            )

    def read_split(self) -> pa.Table | None:
        """The split; None if it is missing or damaged, then it is made anew."""
        return self._read_checked(SPLIT)

    def write_pool_clicks(self, table: pa.Table) -> None:
        """Keep the clicks of every whole image of P (schemas.WHOLE_IMAGE_CLICKS_SCHEMA), counted once a run."""
        self._write_checked(POOL_CLICKS, table)

    def read_pool_clicks(self) -> pa.Table | None:
        """Clicks of every whole image of P; None if missing or damaged, then they are counted anew."""
        return self._read_checked(POOL_CLICKS)

    def write_class_names(self, names: Sequence[str]) -> None:
        """Keep the names of the classes, for a report that is made where the data set isn't."""
        self._files.write(CLASS_NAMES, (json.dumps(list(names)) + "\n").encode())

    def class_names(self) -> tuple[str, ...] | None:
        """Kept names of the classes; None if none are kept, or the file is damaged."""
        try:
            names = json.loads(self._files.read(CLASS_NAMES) or b"null")
        except ValueError:
            return None
        return tuple(map(str, names)) if isinstance(names, list) else None

    def iteration(self, index: int) -> IterationFolder:
        """The folder of one iteration, which need not exist yet; iterations count from 0."""
        if index < 0:
            raise RunError(f"iteration {index} is negative: iterations count from 0")
        return IterationFolder(self._files, f"iterations/{index:03d}")

    def iterations(self) -> list[int]:
        """Iterations that have a folder, ascending."""
        return sorted(int(name) for name in self._files.folders("iterations") if name.isdecimal())

    def write_report(self, name: str, data: bytes) -> str:
        """Write a file below RUN/report and give its full path."""
        self._files.write(f"report/{name}", data)
        return self._files.path(f"report/{name}")

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes out of a local run folder; behind other file systems this does nothing.

        Raises:
            RunError: another live process works in the folder.
        """
        if self.local_root is None:
            yield
            return
        with hold_lock(self.local_root):
            yield

    def _write_checked(self, name: str, table: pa.Table) -> None:
        """Write a table that carries the checksum of its values."""
        digest = {_CONTENT_DIGEST: _content_digest(table)}
        self._files.write(name, table_to_bytes(table.replace_schema_metadata(digest)))

    def _read_checked(self, name: str) -> pa.Table | None:
        data = self._files.read(name)
        if data is None:
            return None
        try:
            table = table_from_bytes(data)
            digest = (table.schema.metadata or {}).get(_CONTENT_DIGEST)
            return table.replace_schema_metadata(None) if digest == _content_digest(table) else None
        except (OSError, ValueError, pa.ArrowException):
            return None

    def _check_same(self, config: ExperimentConfig) -> None:
        recorded = self.run_info().get("config_sha256")
        old = self._sound_config()
        changed = differences(old, config) if old is not None else []
        if old is None and _config_digest(config.model_dump()) != recorded:
            changed = [f"{CONFIG}: damaged, and this config is not the one that the run was begun with"]
        if changed:
            raise RunError(
                f"run folder {self.location} holds a run of another config:\n"
                + "\n".join(f"  {line}" for line in changed)
                + "\ntake these values back to resume it, or choose another run_dir"
            )

    def _write_config(self, config: ExperimentConfig) -> None:
        text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        self._files.write(CONFIG, text.encode())

    def _sound_config(self) -> ExperimentConfig | None:
        """The config of config.yaml; None if it is missing or not the one that run.json was written with."""
        data = self._files.read(CONFIG)
        try:
            values = yaml.safe_load((data or b"").decode())
            if not isinstance(values, dict) or _config_digest(values) != self.run_info().get("config_sha256"):
                return None
            return parse_config(values, source=self._files.path(CONFIG))
        except (yaml.YAMLError, UnicodeDecodeError, ConfigError):
            return None


def _config_digest(values: dict[str, Any]) -> str:
    """Checksum of every value that a resumed run may not change, taken from the plain values as they are written."""

    def walk(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(value, dict):
            for name, child in value.items():
                yield from walk(f"{prefix}.{name}".strip("."), child)
        elif prefix not in RESUME_MAY_CHANGE:
            yield prefix, value

    return hashlib.sha256(json.dumps(sorted(walk("", values))).encode()).hexdigest()


def _content_digest(table: pa.Table) -> bytes:
    """Checksum of a table's values, whatever the bytes of its file."""
    return hashlib.sha256(json.dumps(table.to_pydict(), sort_keys=True).encode()).hexdigest().encode()

"""Files below one folder, local or behind a URI: whole files in, whole files out."""

import os
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

import pyarrow as pa
from pyarrow import fs

from raymeta.errors import InputError
from raymeta.local_files import LocalFileError, local_path
from raymeta.locations import hide_secrets

T = TypeVar("T")

REMEDY: Final = "free space, correct the permissions or choose another run_dir"

REMOTE_PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0)
"""Pauses before a remote file system is asked again: services shed load and restart for seconds, disks don't."""


class RunError(InputError):
    """A run folder that can't be used; the message names the path and the remedy."""


class StoreFiles:
    """Reads and writes whole files below `location`, a local path or a URI that pyarrow's file systems open.

    Local writes go to a temporary name, are flushed to disk and then renamed: a file is there whole or not at all.
    Other file systems (object stores) show an object once its stream is closed; they are asked again when they fail.

    key: of the config, that names the folder; for messages.

    Raises:
        RunError: a URI that no file system opens, or a path that can't be.
    """

    def __init__(self, location: str, filesystem: fs.FileSystem | None = None, key: str = "run_dir") -> None:
        self.location, self.remedy = location, REMEDY.replace("run_dir", key)
        if not location:
            raise RunError("run folder '' names no folder: give a path or a URI as s3://bucket/run")
        if filesystem is not None:
            self._fs, self.root = filesystem, location
        elif "://" in location:
            self._fs, self.root = _open_uri(location)
        else:
            self._fs, self.root = fs.LocalFileSystem(), _local_root(location)
        self.root = self.root.rstrip("/")
        if not self.root:
            raise RunError(f"run folder {location!r} names no folder: give a path or a URI as s3://bucket/run")
        self._made: set[str] = set()
        self.guard: Callable[[], None] | None = None
        """Called before each write; it raises RunError where this process may write no longer."""

    @property
    def local_root(self) -> Path | None:
        """The folder as a local path; None behind other file systems."""
        return Path(self.root) if isinstance(self._fs, fs.LocalFileSystem) else None

    def path(self, name: str) -> str:
        """Full path or URI of a file, for messages; that of the folder itself without a name."""
        place, mark, options = self.root, "", ""
        if self.local_root is None and "://" in self.location:
            place, mark, options = hide_secrets(self.location).partition("?")
        return f"{place.rstrip('/')}/{name}{mark}{options}" if name else f"{place}{mark}{options}"

    def read(self, name: str) -> bytes | None:
        """Content of a file; None if there is no such file."""

        def read() -> bytes | None:
            try:
                with self._fs.open_input_stream(self.path(name), compression=None) as stream:
                    return bytes(stream.read())
            except (FileNotFoundError, NotADirectoryError):
                return None
            except (OSError, pa.ArrowException):
                if self._info(name).type == fs.FileType.NotFound:
                    return None
                raise

        return self._attempt(read, f"{self.path(name)} can't be read", "correct the permissions")

    def size(self, name: str) -> int | None:
        """Bytes of a file; None if there is no such file."""
        info = self._attempt(lambda: self._info(name), f"{self.path(name)} can't be read", "correct the permissions")
        return int(info.size) if info.type == fs.FileType.File else None

    def age_s(self, name: str) -> float | None:
        """Seconds since a file was written, by the clocks of its storage and of this machine; None if unknown."""
        info = self._attempt(lambda: self._info(name), f"{self.path(name)} can't be read", "correct the permissions")
        return None if info.mtime_ns is None else max(0.0, time.time() - info.mtime_ns / 1e9)

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file, making its folder; replaces a file of that name."""
        if self.guard is not None:
            self.guard()
        self.write_unguarded(name, data)

    def write_new(self, name: str, data: bytes) -> None:
        """Write a whole file that several processes may write at once: each makes a temporary file of its own.

        It asks no guard: nobody's lock is needed for files that never change.
        """
        self._write(name, data, f".{uuid.uuid4().hex}.tmp")

    def write_unguarded(self, name: str, data: bytes) -> None:
        """`write` without asking `guard`: for the guard's own files."""
        self._write(name, data, ".tmp")

    def _write(self, name: str, data: bytes, ending: str) -> None:
        path = self.path(name)

        def write() -> None:
            if isinstance(self._fs, fs.LocalFileSystem):
                _write_local(Path(path), data, ending)
                return
            self._make_folder(path.rpartition("/")[0])
            with self._fs.open_output_stream(path, compression=None) as stream:
                stream.write(data)

        self._attempt(write, f"{path} can't be written", self.remedy)

    def delete(self, name: str) -> None:
        """Remove a file; a missing one is no error."""

        def delete() -> None:
            if self._info(name).type == fs.FileType.File:
                with suppress(FileNotFoundError):
                    self._fs.delete_file(self.path(name))

        self._attempt(delete, f"{self.path(name)} can't be removed", self.remedy)

    def delete_folder(self, name: str) -> None:
        """Remove a folder and all in it; a missing one is no error."""

        def delete() -> None:
            if self._info(name).type == fs.FileType.Directory:
                with suppress(FileNotFoundError):
                    self._fs.delete_dir(self.path(name))
                self._made.clear()

        self._attempt(delete, f"{self.path(name)} can't be removed", self.remedy)

    def folders(self, name: str) -> list[str]:
        """Names of the folders directly inside a folder; none if it is not there."""
        return self._names(name, fs.FileType.Directory)

    def files(self, name: str) -> list[str]:
        """Names of the files directly inside a folder; none if it is not there."""
        return self._names(name, fs.FileType.File)

    def _names(self, name: str, kind: fs.FileType) -> list[str]:
        selector = fs.FileSelector(self.path(name), allow_not_found=True)
        infos = self._attempt(
            lambda: self._fs.get_file_info(selector), f"{self.path(name)} can't be read", "correct the permissions"
        )
        return sorted(info.base_name for info in infos if info.type == kind)

    def _info(self, name: str) -> fs.FileInfo:
        return self._fs.get_file_info(self.path(name))

    def _attempt(self, action: Callable[[], T], what: str, remedy: str) -> T:
        """Do it; a remote file system that fails is asked again. Raises RunError in the end."""
        pauses = () if self.local_root is not None else REMOTE_PAUSES_S
        for pause in pauses:
            try:
                return action()
            except (OSError, pa.ArrowException):
                time.sleep(pause)
        try:
            return action()
        except (OSError, pa.ArrowException) as error:
            tried = f" ({1 + len(pauses)} attempts)" if pauses else ""
            raise RunError(f"{what}{tried}: {error}; {remedy}") from error

    def _make_folder(self, folder: str) -> None:
        if folder not in self._made:
            self._fs.create_dir(folder, recursive=True)
            self._made.add(folder)


def _local_root(location: str) -> str:
    try:
        return str(local_path(location).absolute())
    except LocalFileError as error:
        raise RunError(f"run folder {location!r}: {error}") from None


def _open_uri(location: str) -> tuple[fs.FileSystem, str]:
    try:
        filesystem, root = fs.FileSystem.from_uri(location)
    except (ValueError, OSError, NotImplementedError, pa.ArrowException, ImportError) as error:
        raise RunError(
            f"run folder {location} can't be opened: {error}; give a path or a URI as s3://bucket/run"
        ) from error
    return filesystem, str(root)


def _write_local(path: Path, data: bytes, ending: str = ".tmp") -> None:
    """Temporary name, flush, rename, flush the folder: after a power cut the old or the new file is there, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}{ending}")
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

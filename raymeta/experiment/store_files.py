"""Files below one folder, local or behind a URI: whole files in, whole files out."""

import os
from pathlib import Path

import pyarrow as pa
from pyarrow import fs

REMEDY = "free space, correct the permissions or choose another run_dir"


class RunError(ValueError):
    """A run folder that can't be used; the message names the path and the remedy."""


class StoreFiles:
    """Reads and writes whole files below `location`, a local path or a URI that pyarrow's file systems open.

    Local writes go to a temporary name, are flushed to disk and then renamed: a file is there whole or not at all.
    Other file systems (object stores) show an object once its stream is closed.

    Raises:
        RunError: a URI that no file system opens.
    """

    def __init__(self, location: str, filesystem: fs.FileSystem | None = None) -> None:
        self.location = location
        if not location:
            raise RunError("run folder '' names no folder: give a path or a URI as s3://bucket/run")
        if filesystem is not None:
            self._fs, self.root = filesystem, location
        elif "://" in location:
            self._fs, self.root = _open_uri(location)
        else:
            self._fs, self.root = fs.LocalFileSystem(), str(Path(location).expanduser().absolute())
        self.root = self.root.rstrip("/")
        if not self.root:
            raise RunError(f"run folder {location!r} names no folder: give a path or a URI as s3://bucket/run")
        self._made: set[str] = set()

    @property
    def local_root(self) -> Path | None:
        """The folder as a local path; None behind other file systems."""
        return Path(self.root) if isinstance(self._fs, fs.LocalFileSystem) else None

    def path(self, name: str) -> str:
        """Full path of a file, for messages; that of the folder itself without a name."""
        return f"{self.root}/{name}" if name else self.root

    def read(self, name: str) -> bytes | None:
        """Content of a file; None if there is no such file."""
        try:
            with self._fs.open_input_stream(self.path(name), compression=None) as stream:
                return bytes(stream.read())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, pa.ArrowException) as error:
            if self.size(name) is None:
                return None
            raise RunError(f"{self.path(name)} can't be read: {error}; correct the permissions") from error

    def size(self, name: str) -> int | None:
        """Bytes of a file; None if there is no such file."""
        try:
            info = self._fs.get_file_info(self.path(name))
        except (OSError, pa.ArrowException) as error:
            raise RunError(f"{self.path(name)} can't be read: {error}; correct the permissions") from error
        return int(info.size) if info.type == fs.FileType.File else None

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file, making its folder; replaces a file of that name."""
        path = self.path(name)
        try:
            if isinstance(self._fs, fs.LocalFileSystem):
                _write_local(Path(path), data)
            else:
                self._make_folder(path.rpartition("/")[0])
                with self._fs.open_output_stream(path, compression=None) as stream:
                    stream.write(data)
        except (OSError, pa.ArrowException) as error:
            raise RunError(f"{path} can't be written: {error}; {REMEDY}") from error

    def delete(self, name: str) -> None:
        """Remove a file; a missing one is no error."""
        if self.size(name) is None:
            return
        try:
            self._fs.delete_file(self.path(name))
        except FileNotFoundError:
            return
        except (OSError, pa.ArrowException) as error:
            raise RunError(f"{self.path(name)} can't be removed: {error}; {REMEDY}") from error

    def folders(self, name: str) -> list[str]:
        """Names of the folders directly inside a folder; none if it is not there."""
        try:
            selector = fs.FileSelector(self.path(name), allow_not_found=True)
            return sorted(i.base_name for i in self._fs.get_file_info(selector) if i.type == fs.FileType.Directory)
        except (OSError, pa.ArrowException) as error:
            raise RunError(f"{self.path(name)} can't be read: {error}; correct the permissions") from error

    def _make_folder(self, folder: str) -> None:
        if folder not in self._made:
            self._fs.create_dir(folder, recursive=True)
            self._made.add(folder)


def _open_uri(location: str) -> tuple[fs.FileSystem, str]:
    try:
        filesystem, root = fs.FileSystem.from_uri(location)
    except (ValueError, OSError, NotImplementedError, pa.ArrowException, ImportError) as error:
        raise RunError(
            f"run folder {location} can't be opened: {error}; give a path or a URI as s3://bucket/run"
        ) from error
    return filesystem, str(root)


def _write_local(path: Path, data: bytes) -> None:
    """Temporary name, flush, rename, flush the folder: after a power cut the old or the new file is there, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
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

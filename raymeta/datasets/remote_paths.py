"""Files of a data set behind a URI, as s3://bucket/data, with the part of pathlib that data sets use."""

import errno
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Final, NamedTuple, Self, TypeVar
from urllib.parse import unquote

import pyarrow as pa
from pyarrow import fs

from raymeta.datasets.data_paths import DataPath
from raymeta.datasets.file_cache import FileCache
from raymeta.datasets.sample import DatasetError
from raymeta.local_files import LocalFileError, local_path
from raymeta.locations import hide_secrets, last_name, without_options

MAX_AGE_S: Final = 60.0
"""Of what is known about a file: size and time of change are asked anew before a later read."""

REST_S: Final = 5.0
"""After a failure further requests fail at once: the file systems try several times, and thousands of files would wait
for the same server."""

MAX_CHANGES: Final = 3
T = TypeVar("T")


class RemoteStorageError(DatasetError):
    """Storage that doesn't answer, or refuses to. It is raised from an OSError with EIO: an outage, no damaged file."""


class RemoteStat(NamedTuple):
    """st_size: bytes. st_mtime_ns: when it was written; 0 where the storage doesn't tell."""

    st_size: int
    st_mtime_ns: int


class _Seen(NamedTuple):
    kind: fs.FileType
    stat: RemoteStat
    at: float


@dataclass(frozen=True)
class RemoteStorage:
    """What all paths of a data set share.

    location: URI of its root, with options and secrets. copies: where files are kept on this machine.
    """

    location: str
    copies: FileCache = field(compare=False)

    def request(self, name: str, action: Callable[[fs.FileSystem, str], T]) -> T:
        """What `action` gives of the file system and the path in it of a name below the root.

        Raises:
            FileNotFoundError: it isn't there.
            RemoteStorageError: the storage doesn't answer, or refuses to.
        """
        state = _state(self.location)
        fault = state.fault  # another thread may take it back meanwhile
        if fault is not None and time.monotonic() - state.failed_at < REST_S:
            raise self._error(name, fault) from OSError(errno.EIO, str(fault))
        try:
            filesystem, root = state.open(self.location)
            answer = action(filesystem, f"{root}/{name}".rstrip("/"))
        except FileNotFoundError:
            raise
        except (OSError, pa.ArrowException, ValueError, NotImplementedError, ImportError) as error:
            if not _is_refusal(error):
                state.fault, state.failed_at = error, time.monotonic()
            raise self._error(name, error) from OSError(errno.EIO, str(error))
        state.fault = None
        return answer

    def _error(self, name: str, fault: Exception) -> RemoteStorageError:
        shown = "/".join([hide_secrets(without_options(self.location)), *([name] if name else [])])
        reason = hide_secrets((str(fault).splitlines() or [type(fault).__name__])[0])
        return RemoteStorageError(
            f"{shown}: can't be reached: {reason}: check the address, its options (region, endpoint_override), the "
            "network and the credentials"
        )


class RemotePath:
    """A file or folder behind a URI; the part of `pathlib.Path` that data sets use.

    Args:
        storage: that it lies in.
        relative: its path from the storage's root on; empty for the root.
    """

    __slots__ = ("_seen", "relative", "storage")

    def __init__(self, storage: RemoteStorage, relative: str = "", seen: _Seen | None = None) -> None:
        self.storage = storage
        self.relative = relative
        self._seen = seen

    @property
    def name(self) -> str:
        """Last part of the path."""
        return PurePosixPath(self.relative).name or last_name(self.storage.location)

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        """The name's ending, with its dot."""
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> Self:
        """The folder that holds it; the root's is the root."""
        return type(self)(self.storage, self.relative.rpartition("/")[0])

    def __truediv__(self, name: str) -> Self:
        relative = str(PurePosixPath(self.relative) / name)
        return type(self)(self.storage, "" if relative == "." else relative)

    def __str__(self) -> str:
        root = hide_secrets(without_options(self.storage.location))
        return f"{root}/{self.relative}" if self.relative else root

    def __repr__(self) -> str:
        return f"RemotePath({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemotePath) and self._order() == other._order()

    def __hash__(self) -> int:
        return hash(self.relative)

    def __lt__(self, other: "RemotePath") -> bool:
        return self._order() < other._order()

    def __reduce__(self) -> tuple[Any, ...]:
        # What was seen when, and the connection, hold in one process only.
        return type(self), (self.storage, self.relative)

    def is_dir(self) -> bool:
        """Whether there is a folder of this name."""
        return self._known().kind == fs.FileType.Directory

    def is_file(self) -> bool:
        """Whether there is a file of this name."""
        return self._known().kind == fs.FileType.File

    def iterdir(self) -> Iterator[Self]:
        """What lies directly in the folder. Raises FileNotFoundError where there is none."""
        return self._listed(recursive=False)

    def files_below(self) -> Iterator[Self]:
        """All files in the folder and its folders. Raises FileNotFoundError where there is none."""
        return (path for path in self._listed(recursive=True) if path.is_file())

    def stat(self) -> RemoteStat:
        """Size and time, at most a minute old. Raises FileNotFoundError where there is no file."""
        return self._current().stat

    def read_bytes(self) -> bytes:
        """The whole content: of its copy on this machine, where the file wasn't changed since.

        Raises:
            FileNotFoundError: there is no such file.
            RemoteStorageError: the storage doesn't answer, and there is no copy.
        """
        seen = self._current()
        data = self.storage.copies.get(self._key(seen.stat))
        return self._fetched(seen) if data is None else data

    def read_start(self, count: int) -> bytes:
        """At least the first `count` bytes, or all where there are fewer; no copy is made. Raises as `read_bytes`."""
        seen = self._current()
        data = self.storage.copies.get(self._key(seen.stat))
        return self._read(min(count, seen.stat.st_size)) if data is None else data

    def read_parts(self, read: Callable[[BinaryIO], T]) -> T:
        """What `read` makes of the open file, of which only the parts that it reads are fetched; no copy is made.

        read: an OSError that it raises counts as the storage's; it raises no ValueError.

        Raises:
            FileNotFoundError: there is no such file.
            RemoteStorageError: the storage doesn't answer.
        """

        def opened(files: fs.FileSystem, path: str) -> T:
            with files.open_input_file(path) as stream:
                return read(stream)

        return self.storage.request(self.relative, opened)

    def _order(self) -> tuple[str, str]:
        return self.storage.location, self.relative

    def _known(self) -> _Seen:
        # What isn't there may come: a file that is waited for, or a folder that is still being filled.
        if self._seen is None or self._seen.kind == fs.FileType.NotFound:
            self._seen = self._asked()
        return self._seen

    def _current(self) -> _Seen:
        """What is known of a file, asked anew where that is old; FileNotFoundError where there is none."""
        seen = self._seen
        if seen is None or time.monotonic() - seen.at > MAX_AGE_S:
            try:
                self._seen = self._asked()
            except RemoteStorageError:
                # As long as the storage is away nobody can see a change of it.
                if seen is None or self.storage.copies.get(self._key(seen.stat)) is None:
                    raise
                return seen
        seen = self._known()
        if seen.kind == fs.FileType.Directory:
            raise DatasetError(f"{self}: isn't a regular file: put a file there")
        if seen.kind == fs.FileType.NotFound:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(self))
        return seen

    def _asked(self) -> _Seen:
        return _seen(self.storage.request(self.relative, lambda files, path: files.get_file_info(path)))

    def _fetched(self, seen: _Seen) -> bytes:
        """The content from the storage, which is kept; one that is replaced meanwhile is read once more."""
        for _ in range(MAX_CHANGES):
            data, after = self._read(seen.stat.st_size), self._asked()
            self._seen = after
            if after.stat == seen.stat and len(data) == seen.stat.st_size:
                self.storage.copies.put(self._key(seen.stat), data)
                return data
            seen = self._current()
        raise RemoteStorageError(f"{self}: changes while it is read: wait until nobody writes it") from OSError(
            errno.EIO, "changes while it is read"
        )

    def _read(self, count: int) -> bytes:
        def read(files: fs.FileSystem, path: str) -> bytes:
            with files.open_input_file(path) as stream:
                return bytes(stream.read_at(count, 0))  # one request: never parts of two objects

        return self.storage.request(self.relative, read)

    def _listed(self, *, recursive: bool) -> Iterator[Self]:
        def listed(files: fs.FileSystem, path: str) -> tuple[list[fs.FileInfo], str]:
            return files.get_file_info(fs.FileSelector(path, recursive=recursive)), path

        infos, path = self.storage.request(self.relative, listed)
        for info in infos:
            below = info.path.removeprefix(path).strip("/")
            if below:
                yield type(self)(self.storage, "/".join(filter(None, (self.relative, below))), _seen(info))

    def _key(self, stat: RemoteStat) -> str:
        text = "\n".join((hide_secrets(self.storage.location), self.relative, str(stat.st_size), str(stat.st_mtime_ns)))
        return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()


def data_path(location: str, copies: FileCache | None = None) -> DataPath:
    """The file or folder of a place that somebody named.

    Args:
        location: a local path, `~` for the home folder, or a URI; `file:///data` is the folder /data.
        copies: where files behind a URI are kept on this machine; None keeps none.

    Raises:
        LocalFileError: a path that can't be.
    """
    if location.startswith("file://"):
        path = Path(unquote(without_options(location).removeprefix("file://")))
        if not path.is_absolute():
            raise LocalFileError("names no folder: write three slashes, as in file:///data")
        return path
    if "://" in location:
        return RemotePath(RemoteStorage(location, copies or FileCache(Path(), 0)))
    return local_path(location)


class _State:
    """Connection of this process to one storage, and how its last request failed."""

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.failed_at = 0.0
        self._opened: tuple[fs.FileSystem, str] | None = None

    def open(self, location: str) -> tuple[fs.FileSystem, str]:
        if self._opened is None:
            filesystem, root = fs.FileSystem.from_uri(location)
            self._opened = filesystem, str(root).rstrip("/")
        return self._opened


@cache
def _state(location: str) -> _State:
    del location  # a state for each
    return _State()


def _seen(info: fs.FileInfo) -> _Seen:
    return _Seen(info.type, RemoteStat(int(info.size or 0), int(info.mtime_ns or 0)), time.monotonic())


def _is_refusal(error: Exception) -> bool:
    """Whether it says nothing about other files: the storage answered, or the URI names none."""
    return not isinstance(error, OSError) or error.errno == errno.EACCES or "ACCESS_DENIED" in str(error)

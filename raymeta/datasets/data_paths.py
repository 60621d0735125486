"""What data sets use of a path, whether it is local or behind a URI."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol, Self, TypeVar

from raymeta.local_files import LocalFileError, read_bounded


class FileStat(Protocol):
    """What is known of a file without reading it."""

    @property
    def st_size(self) -> int:
        """Bytes."""

    @property
    def st_mtime_ns(self) -> int:
        """When it was written, in ns."""


class DataPath(Protocol):
    """`pathlib.Path`, and `RemotePath`. Two of one data set can be compared and hashed."""

    @property
    def name(self) -> str:
        """Last part of the path."""

    @property
    def stem(self) -> str:
        """The name without its ending."""

    @property
    def suffix(self) -> str:
        """The name's ending, with its dot."""

    @property
    def parent(self) -> Self:
        """The folder that holds it."""

    def __truediv__(self, name: str, /) -> Self: ...

    def __lt__(self, other: Any, /) -> bool: ...

    def is_dir(self) -> bool:
        """Whether there is a folder of this name."""

    def is_file(self) -> bool:
        """Whether there is a file of this name."""

    def iterdir(self) -> Iterator[Self]:
        """What lies directly in the folder."""

    def stat(self) -> FileStat:
        """Raises FileNotFoundError where there is nothing of this name."""

    def read_bytes(self) -> bytes:
        """The whole content. Raises FileNotFoundError where there is no such file."""


PathT = TypeVar("PathT", bound=DataPath)
T = TypeVar("T")


def files_below(folder: PathT) -> list[PathT]:
    """All files in a folder and its folders, sorted."""
    if isinstance(folder, Path):
        return sorted(path for path in folder.rglob("*") if path.is_file())
    return sorted(folder.files_below())  # type: ignore[attr-defined]


def read_whole(path: DataPath, max_bytes: int) -> bytes:
    """Content of a file of at most `max_bytes`.

    Raises:
        LocalFileError: something else than a file, or more bytes.
        OSError: missing or unreadable.
    """
    if isinstance(path, Path):
        return read_bounded(path, max_bytes)
    if path.stat().st_size > max_bytes:
        raise LocalFileError(f"holds more than {max_bytes} bytes: at most that many are read")
    return path.read_bytes()


def read_parts(path: DataPath, read: Callable[[BinaryIO], T]) -> T:
    """What `read` makes of the open file; behind a URI only the parts that it reads are fetched, and none is kept.

    Raises:
        OSError: missing or unreadable.
        RemoteStorageError: its storage doesn't answer.
    """
    if isinstance(path, Path):
        with path.open("rb") as stream:
            return read(stream)
    return path.read_parts(read)  # type: ignore[attr-defined]


def below_root(path: DataPath, root: DataPath) -> str:
    """The path from the root on, its parts joined by slashes; the whole path where it lies elsewhere."""
    return str(path).removeprefix(f"{str(root).rstrip('/')}/")

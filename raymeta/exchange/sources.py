"""Files, folders and zip archives from outside, as names and bytes, within bounds."""

import hashlib
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from raymeta.exchange.errors import ExchangeError, printable, shown
from raymeta.exchange.limits import MAX_MEMBERS, MAX_UNPACKED_BYTES, MAX_XML_BYTES

_ZIP_MAGIC: Final = (b"PK\x03\x04", b"PK\x05\x06")
_SYMLINK: Final = 0o120000
_ZIP_ERRORS: Final = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,  # encrypted
    NotImplementedError,  # a compression that Python doesn't have
    ValueError,
    struct.error,
    IndexError,
    KeyError,
    OverflowError,
)


@dataclass(frozen=True)
class SourceFile:
    """One file, on disk or inside an archive. name: as messages call it. path: inside its archive, with slashes."""

    name: str
    path: str
    location: Path
    archive: zipfile.ZipFile | None = None

    @property
    def stem(self) -> str:
        """File name without its folder and its last ending."""
        return PurePosixPath(self.path).stem

    def chunks(self, most: int) -> Iterator[bytes]:
        """The content piece by piece; raises ExchangeError beyond `most` bytes or if it can't be read."""
        read = 0
        try:
            with self._opened() as stream:
                while chunk := stream.read(1 << 20):
                    read += len(chunk)
                    if read > most:
                        raise ExchangeError(f"{self.name}: holds more than {most >> 20} MiB: not read; split it")
                    yield chunk
        except ExchangeError:
            raise
        except _ZIP_ERRORS as error:
            raise ExchangeError(f"{self.name}: can't be read: {_reason(error)}") from None

    def read(self, most: int) -> bytes:
        """The whole content; raises ExchangeError beyond `most` bytes or if it can't be read."""
        return b"".join(self.chunks(most))

    def head(self, most: int = 4096) -> bytes:
        """The first bytes; raises ExchangeError if it can't be read."""
        for chunk in self.chunks(MAX_XML_BYTES + MAX_UNPACKED_BYTES):
            return chunk[:most]
        return b""

    def sha256(self) -> str:
        """Digest of the content."""
        digest = hashlib.sha256()
        for chunk in self.chunks(MAX_XML_BYTES + MAX_UNPACKED_BYTES):
            digest.update(chunk)
        return digest.hexdigest()

    def _opened(self) -> IO[bytes]:
        if self.archive is None:
            if not self.location.is_file():
                raise ExchangeError(f"{self.name}: isn't a regular file: put a file there")
            return self.location.open("rb")
        return self.archive.open(self.path)


@dataclass(frozen=True)
class Source:
    """A file, folder or archive. kind: what it is. files: by their path inside, sorted; of one file, that one."""

    name: str
    kind: str
    files: tuple[SourceFile, ...]


def open_source(path: Path, name: str | None = None) -> Source:
    """List what lies at a path; nothing is unpacked or written.

    Raises:
        ExchangeError: nothing there, neither file nor folder, too many files, or an archive that isn't sound.
    """
    name = name or printable(path.name)
    try:
        if path.is_dir():
            return Source(name, "folder", tuple(_folder_files(path, name)))
        if not path.exists():
            raise ExchangeError(f"{printable(str(path))}: there is no such file or folder")
        single = SourceFile(name, path.name, path)
        if single.head(4) in _ZIP_MAGIC:
            return Source(name, "zip", tuple(_zip_files(path, name)))
        return Source(name, "file", (single,))
    except (OSError, ValueError) as error:
        if isinstance(error, ExchangeError):
            raise
        raise ExchangeError(f"{name}: can't be read: {_reason(error)}") from None


def _folder_files(folder: Path, name: str) -> Iterator[SourceFile]:
    count = 0
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if not _is_litter(each))
        for each in sorted(names):
            count += 1
            if count > MAX_MEMBERS:
                raise ExchangeError(f"{name}: holds more than {MAX_MEMBERS} files: name the folder of the answers")
            path = Path(parent, each)
            if not _is_litter(each) and path.is_file():
                inside = path.relative_to(folder).as_posix()
                yield SourceFile(printable(inside), inside, path)


def _zip_files(path: Path, name: str) -> Iterator[SourceFile]:
    try:
        archive = zipfile.ZipFile(path)  # stays open as long as one of its files is known
        infos = archive.infolist()
    except _ZIP_ERRORS as error:
        raise ExchangeError(f"{name}: is a damaged zip archive: {_reason(error)}") from None
    if len(infos) > MAX_MEMBERS:
        raise ExchangeError(f"{name}: holds more than {MAX_MEMBERS} files: export fewer pictures at once")
    names: set[str] = set()
    for info in infos:
        if fault := _member_fault(info):
            raise ExchangeError(f"{name}: member {shown(info.filename, 80)} {fault}: the archive isn't read")
        if info.filename in names:
            raise ExchangeError(f"{name}: member {shown(info.filename, 80)} appears twice: the archive isn't read")
        names.add(info.filename)
    if sum(info.file_size for info in infos) > MAX_UNPACKED_BYTES:
        limit = f"{MAX_UNPACKED_BYTES >> 30} GiB"
        raise ExchangeError(f"{name}: unpacks to more than {limit}: not read; export without the images")
    for info in sorted(infos, key=lambda each: each.filename):
        if not info.is_dir() and not any(map(_is_litter, info.filename.split("/"))):
            yield SourceFile(f"{name}: {info.filename}", info.filename, path, archive)


def _is_litter(name: str) -> bool:
    """Whether a file or folder of this name is what systems put beside files: `.DS_Store`, `__MACOSX`."""
    return name.startswith(".") or name == "__MACOSX"


def _member_fault(info: zipfile.ZipInfo) -> str | None:
    member = info.filename.replace("\\", "/")
    if member.startswith("/") or ".." in member.split("/") or member[1:2] == ":":
        return "leaves the folder"
    if any(not character.isprintable() for character in member):
        return "has a name with control characters"
    if info.external_attr >> 16 & 0o170000 == _SYMLINK:
        return "is a link"
    if info.flag_bits & 1:
        return "is encrypted"
    return None


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)[:100] or type(error).__name__

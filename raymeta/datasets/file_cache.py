"""Copies of remote files on the local disk, of bounded size, that all processes of a machine share."""

import fcntl
import hashlib
import logging
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from raymeta.local_files import own_temporary_folder

DIGEST_BYTES: Final = 16
MAX_AGE_OF_TEMPORARY_S: Final = 3600.0
"""Whoever wrote a temporary file that is older was killed."""

KEPT_SHARE: Final = 0.9
"""Of the bound, after the oldest copies were removed: not each new copy has to look at all of them."""

_TOTAL: Final = "bytes"
_LOG: Final = logging.getLogger(__name__)


class FileCache:
    """Whole files by key. What hasn't been read for longest is removed first.

    A copy is written under another name, ends with a checksum, and gets its name in one step: one that was cut off by a
    kill, a full disk or a power cut is never taken for the file. A copy that can't be kept is no error.

    Args:
        folder: of the copies; it is made when there is something to keep.
        max_bytes: that all copies take together; 0 keeps none.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self._told = False

    def get(self, key: str) -> bytes | None:
        """The content kept under a key, lower-case letters and digits; None if there is none, or a damaged copy."""
        path = self._path(key)
        try:
            content = path.read_bytes()
            data, digest = content[:-DIGEST_BYTES], content[-DIGEST_BYTES:]
            if _digest(data) == digest:
                with suppress(OSError):  # another user's copy, or one on a disk that can't be written, is as good
                    os.utime(path)
                return data
            path.unlink()
        except OSError:
            return None  # it was never there, or another process has just removed it
        return None

    def put(self, key: str, data: bytes) -> None:
        """Keep a content under a key, in place of the contents that weren't read for longest."""
        if len(data) + DIGEST_BYTES > self.max_bytes:
            return
        path = self._path(key)
        temporary = self.folder / f".{uuid.uuid4().hex}.tmp"
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            temporary.write_bytes(data + _digest(data))
            with self._locked() as total:
                self._place(temporary, path, total)
        except OSError as error:
            if not self._told:
                _LOG.warning("copies of remote files can't be kept in %s (%s): each is read anew", self.folder, error)
            self._told = True
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key

    def _place(self, temporary: Path, path: Path, total: int) -> None:
        """Give a temporary file its name, within the bound. total: descriptor of the file that counts the bytes."""
        if path.exists():
            return
        size, counted = temporary.stat().st_size, _counted(total)
        if counted is None or counted + size > self.max_bytes:
            bound = self.max_bytes - size
            counted = self._remove_oldest(bound if counted is None else min(bound, int(KEPT_SHARE * self.max_bytes)))
        # Counted before it is there: after a kill between the two, fewer bytes are kept than might be, never more.
        os.ftruncate(total, 0)
        os.pwrite(total, str(counted + size).encode(), 0)
        os.replace(temporary, path)

    def _remove_oldest(self, max_bytes: int) -> int:
        """Remove copies until at most so many bytes are left; returns how many."""
        found = []
        for path in self.folder.rglob("*"):
            with suppress(OSError):
                stat = path.stat()
                if path.suffix == ".tmp" and time.time() - stat.st_mtime > MAX_AGE_OF_TEMPORARY_S:
                    path.unlink()
                elif path.parent != self.folder and path.is_file():
                    found.append((stat.st_mtime_ns, stat.st_size, path))
        left = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if left <= max_bytes:
                break
            path.unlink(missing_ok=True)
            left -= size
        return left

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Descriptor of the file that counts the bytes, held by one thread of one process."""
        descriptor = os.open(self.folder / _TOTAL, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)


def default_folder() -> Path:
    """Among the user's caches; among the temporary folders where there is no home that can be written."""
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "raymeta" / "data"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.access(folder, os.W_OK | os.X_OK):
            return folder
    except (OSError, RuntimeError):
        pass
    return Path(own_temporary_folder("raymeta-data"))


def _counted(total: int) -> int | None:
    text = os.pread(total, 32, 0)
    return int(text) if text.isdigit() else None


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest()

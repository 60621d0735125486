"""One process at a time works in a run folder."""

import errno
import fcntl
import json
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from raymeta.runs.store_files import REMEDY, RunError

LOCK: Final = "lock.json"
_MAX_BYTES: Final = 4096
"""What is read of a lock file; the processes that write one need a tenth of it."""

_NO_LOCKS: Final = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTTY)
"""What a file system without locks answers (some network file systems, by their mount options)."""


class NoLocksError(Exception):
    """The file system of the folder has no locks."""


@contextmanager
def hold_lock(folder: Path, name: str = LOCK, *, wait: bool = False) -> Iterator[bool]:
    """Hold the lock `folder`/`name` while the block runs; the kernel releases it when the process dies.

    wait: for another process that holds it, instead of refusing.

    Raises:
        RunError: another live process holds it (named in the message), the folder can't be written, or something else
            lies in the place of the lock file.
        NoLocksError: the file system has no locks.
    """
    path = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = _acquire(path, wait=wait)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise NoLocksError(str(error)) from error
        raise RunError(f"{path} can't be written: {error}; {REMEDY}") from error
    try:
        yield True
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _acquire(path: Path, *, wait: bool) -> int:
    """Open and lock the file; its name may have been removed by the last holder between the two, then once more."""
    while True:
        descriptor = _open_own(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if _is_same_file(descriptor, path):
                holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat()}
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, (json.dumps(holder) + "\n").encode(), 0)
                return descriptor
        except BlockingIOError:
            message = in_use(path.parent, os.pread(descriptor, _MAX_BYTES, 0))
            os.close(descriptor)
            raise RunError(message) from None
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _open_own(path: Path) -> int:
    """Open the lock file, never what a link of that name leads to: its content is about to be replaced."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
    except OSError as error:
        if error.errno == errno.ELOOP and path.is_symlink():
            raise RunError(f"{path} is a symbolic link, not the lock of a run folder: remove it") from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise RunError(f"{path} isn't a regular file, so not the lock of a run folder: remove it")
    return descriptor


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def in_use(folder: Path | str, data: bytes) -> str:
    """The message about a run folder that another process holds; data: what its lock or lease says, sound or not."""
    try:
        holder = json.loads(data)
        who = f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (ValueError, KeyError, TypeError, RecursionError):
        who = "another process"
    return f"run folder {folder} is in use by {who}: wait until it ends or choose another run_dir"

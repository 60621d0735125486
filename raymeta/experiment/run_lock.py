"""One process at a time works in a run folder."""

import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from raymeta.experiment.store_files import REMEDY, RunError

LOCK: Final = "lock.json"


_NO_LOCKS: Final = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTTY)
"""What a file system without locks answers (some network file systems, by their mount options)."""


class NoLocksError(Exception):
    """The file system of the folder has no locks."""


@contextmanager
def hold_lock(folder: Path) -> Iterator[bool]:
    """Hold `folder`/lock.json while the block runs; the kernel releases it when the process dies, however it dies.

    Raises:
        RunError: another live process holds it (named in the message), or the folder can't be written.
        NoLocksError: the file system has no locks.
    """
    path = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = _acquire(path)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise NoLocksError(str(error)) from error
        raise RunError(f"{path} can't be written: {error}; {REMEDY}") from error
    try:
        yield True
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _acquire(path: Path) -> int:
    """Open and lock the file; its name may have been removed by the last holder between the two, then once more."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise RunError(_in_use(path)) from None
        except OSError:
            os.close(descriptor)
            raise
        if _is_same_file(descriptor, path):
            holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat()}
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, (json.dumps(holder) + "\n").encode(), 0)
            return descriptor
        os.close(descriptor)


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _in_use(path: Path) -> str:
    try:
        holder = json.loads(path.read_text())
        who = f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        who = "another process"
    return f"run folder {path.parent} is in use by {who}: wait until it ends or choose another run_dir"

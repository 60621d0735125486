"""Local files and folders that people name: where a relative path starts, and reading that ends whatever lies there."""

import os
import stat
import tempfile
from pathlib import Path

from raymeta.errors import InputError


class LocalFileError(InputError):
    """A path that can't be, or a file that isn't read; the message tells why and the remedy, not the name."""


def local_path(text: str | Path) -> Path:
    """The path, with the home folder in place of a `~` at its start.

    Raises:
        LocalFileError: `~` before the name of a user who has no home here, or a null character.
    """
    if "\0" in str(text):
        raise LocalFileError("a path can't hold a null character: remove it")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        user = Path(text).parts[0]
        raise LocalFileError(f"{user} is nobody's home folder here: write the path in full, or ./{user}") from None


def absolute_location(name: str, location: str) -> str:
    """A place as people write it, made absolute: a relative path starts where the command was started.

    Args:
        name: of the key or option, for the message.
        location: a path, `~` for the home folder, or a URI, which stays as it is.

    Raises:
        LocalFileError: a path that can't be, or a relative one in a submitted job, which starts in a folder of Ray's.
    """
    if "://" in location:
        return location
    try:
        path = local_path(location)
    except LocalFileError as error:
        raise LocalFileError(f"{name} {location!r}: {error}") from None
    if not path.is_absolute() and in_submitted_job():
        raise LocalFileError(
            f"{name} {location!r} is relative, and a submitted job starts in a temporary folder of Ray's: "
            f"write it in full, as in {name}=/shared/{path}, or as a URI"
        )
    return str(path.absolute())


def in_submitted_job() -> bool:
    """Whether `ray job submit` started this process, or the one that started it."""
    return bool(os.environ.get("RAY_JOB_CONFIG_JSON_ENV_VAR"))


def read_bounded(path: Path, most: int, *, pipes: bool = False) -> bytes:
    """Content of a regular file: a device or a pipe in its place might never end, or never begin.

    most: bytes that a file may hold. pipes: whether one may stand in its place, as in `<(…)` of a shell.

    Raises:
        LocalFileError: something else than a file, or more than `most` bytes.
        OSError: missing or unreadable.
    """
    if "\0" in str(path):
        raise LocalFileError("a path can't hold a null character: remove it")
    # Without O_NONBLOCK a pipe that nobody writes to waits here.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        mode = os.fstat(descriptor).st_mode
        if not (stat.S_ISREG(mode) or (pipes and stat.S_ISFIFO(mode))):
            raise LocalFileError(f"is {'a folder' if stat.S_ISDIR(mode) else 'no regular file'}: put a file there")
        os.set_blocking(descriptor, True)
        with open(descriptor, "rb", closefd=False) as stream:
            data = stream.read(most + 1)
    finally:
        os.close(descriptor)
    if len(data) > most:
        raise LocalFileError(f"holds more than {most} bytes: at most that many are read")
    return data


def own_temporary_folder(name: str) -> str:
    """A folder among the temporary ones: always the same for a user, where nobody else can write it.

    What lies in it is trusted: a folder that another user made in advance is never taken.
    """
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"{name}-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return tempfile.mkdtemp(prefix=f"{name}-")
    own = stat.S_ISDIR(found.st_mode) and found.st_uid == user and not found.st_mode & 0o022
    return str(folder) if own else tempfile.mkdtemp(prefix=f"{name}-")

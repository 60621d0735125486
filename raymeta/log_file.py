"""What the rooms log, in a file that a user names: each room has a logger of its own below `raymeta`."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from raymeta.errors import InputError
from raymeta.local_files import absolute_location
from raymeta.locations import hide_secrets


class _HidesSecrets(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return hide_secrets(super().format(record))


@contextmanager
def log_to(path: str | None, *, debug: bool = False) -> Iterator[None]:
    """Append the log of this process to a file while the block runs; None: to nowhere.

    Raises:
        InputError: the file can't be written.
    """
    if path is None:
        yield
        return
    try:
        handler = logging.FileHandler(absolute_location("--log-file", path), encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"--log-file {path}: {error.strerror}: choose a file in a folder that you can write"
        ) from error
    handler.setFormatter(_HidesSecrets("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("raymeta")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if debug else logging.INFO)
    try:
        yield
    except BaseException as error:
        logger.log(logging.DEBUG if isinstance(error, InputError) else logging.ERROR, "ended", exc_info=error)
        raise
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
        handler.close()

"""The trials that a sweep's scheduler ended: they stay ended when the sweep is resumed."""

import json
from typing import Final

from raymeta.runs.store_files import RunError, StoreFiles

STOPPED: Final = "stopped.json"


def read_stopped(files: StoreFiles) -> list[str]:
    """Run folders that the scheduler ended.

    Raises:
        RunError: the file that names them is damaged.
    """
    try:
        found = json.loads(files.read(STOPPED) or b"[]")
    except ValueError as error:
        raise RunError(f"{files.path(STOPPED)} is damaged: remove it, then ended trials go on") from error
    return [str(name) for name in found]


def add_stopped(files: StoreFiles, folder: str) -> None:
    """Note that the scheduler ended the trial with this run folder."""
    stopped = sorted({*read_stopped(files), folder})
    files.write(STOPPED, (json.dumps(stopped, indent=2) + "\n").encode())

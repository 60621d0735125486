"""A run folder that was begun with another config than the one that is to go on with it."""

from collections.abc import Sequence
from typing import Final

from raymeta.runs.store_files import RunError

TAKE_BACK: Final = "take these values back to resume it, or choose another run_dir"


class OtherConfigError(RunError):
    """changed: `key: old → new` for each value that a resumed run may not change."""

    changed: tuple[str, ...] = ()


def other_config(location: str, changed: Sequence[str]) -> OtherConfigError:
    """The error for a folder whose run was begun with other values; changed: a line each."""
    lines = "".join(f"  {line}\n" for line in changed)
    error = OtherConfigError(f"run folder {location} holds a run of another config:\n{lines}{TAKE_BACK}")
    error.changed = tuple(changed)
    return error

"""Whether a local folder can be written, or made: tried, and nothing is left behind."""

import os
import tempfile
from pathlib import Path
from typing import Final

_TRIED_BYTES: Final = 4096
"""A block, so that a full disk is seen too."""


def write_fault(path: Path) -> str | None:
    """What hinders that files are written in a folder; None where nothing does.

    Of a folder that isn't there yet the nearest one above it is tried. The file that is tried has no name where the
    system can do so, else it is removed at once.
    """
    try:
        for place in (path, *path.parents):
            if place.is_dir():
                break
            if os.path.lexists(place):
                return f"{place} isn't a folder"
    except OSError as error:
        return f"{place} can't be looked at: {error.strerror or error}"
    try:
        with tempfile.TemporaryFile(dir=place) as stream:
            stream.write(bytes(_TRIED_BYTES))
            stream.flush()
    except OSError as error:
        return f"nothing can be written in {place}: {error.strerror or error}"
    return None

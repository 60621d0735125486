"""How much is read of files from outside: far more than people draw, far less than breaks a machine."""

from typing import Final

MAX_JSON_BYTES: Final = 256 << 20
MAX_JSON_CONTAINERS: Final = 10_000_000
MAX_JSON_TEXTS: Final = 20_000_000
"""Lists, objects and texts of a file take many times their bytes once they are read."""
MAX_XML_BYTES: Final = 1 << 30
MAX_PNG_BYTES: Final = 64 << 20
MAX_UNPACKED_BYTES: Final = 1 << 30
MAX_MEMBERS: Final = 200_000
"""Files of a folder or an archive."""
MAX_PICTURE_SIDE: Final = 100_000
MAX_PICTURE_PIXELS: Final = 1 << 26
MAX_SHAPES: Final = 20_000
"""Of one picture."""
MAX_POINTS: Final = 1_000_000
"""Drawn vertices of one picture."""
MAX_MASK_PIXELS: Final = 1 << 31
"""Of all masks of one picture together."""
MAX_COORDINATE: Final = 1e6
"""In pixels: beyond it lies no picture."""
MAX_ANSWER_TEXT: Final = 200
"""Characters of a name or a mark that is kept."""

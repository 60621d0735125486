"""Freed memory kept for the next image.

glibc takes each block above 32 MiB from the system and gives it back when it is freed. A network's activations are such
blocks: at 1024×2048 pixels nearly half of a small network's time on a CPU went into getting and zeroing pages.
"""

import ctypes
from typing import Final

M_TRIM_THRESHOLD: Final = -1
M_MMAP_MAX: Final = -4
"""Parameters of glibc's mallopt."""


def keep_freed_memory() -> bool:
    """From now on this process reuses freed blocks of any size; returns whether the C library can do that.

    What it holds stays near its peak until `return_freed_memory`.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # not glibc
        return False
    return bool(mallopt(M_MMAP_MAX, 0)) and bool(mallopt(M_TRIM_THRESHOLD, 2**31 - 1))


def return_freed_memory() -> None:
    """Give what is free back to the system, since others may need it while this process waits."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):  # not glibc, whose blocks went back when they were freed
        return

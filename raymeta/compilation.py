"""numba's compiler, with a cache that is found wherever the package lies and whoever runs it.

numba keeps compiled functions beside the source, or below HOME. Where neither can be written (a container with an
unknown user, a read-only installation) it refuses to import; here it then keeps them in a temporary folder.
"""

import contextlib
import os
from collections.abc import Callable
from typing import Any

import numba

from raymeta.local_files import own_temporary_folder


def njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`numba.njit`; with `cache=True` the code is kept in the first place that can be written."""

    def compiled(function: Callable[..., Any]) -> Any:
        try:
            return _forgiving(numba.njit(**options)(function))
        except RuntimeError as error:
            if not options.get("cache") or "cannot cache function" not in str(error):
                raise
        folder = own_temporary_folder("raymeta-numba")
        numba.config.CACHE_DIR = folder  # type: ignore[attr-defined]
        os.environ["NUMBA_CACHE_DIR"] = folder  # for the processes that this one starts
        return _forgiving(numba.njit(**options)(function))

    return compiled


def _forgiving(dispatcher: Any) -> Any:
    """Compile anew where the kept code is damaged: a process that was killed, or a full disk, leaves files cut short.

    numba itself ends with EOFError then, in every process from there on.
    """
    cache = dispatcher._cache
    load = cache.load_overload

    def load_or_forget(*arguments: Any) -> Any:
        try:
            return load(*arguments)
        except Exception:  # whatever unpickling raises
            with contextlib.suppress(OSError):
                cache.flush()
            return None

    cache.load_overload = load_or_forget
    return dispatcher

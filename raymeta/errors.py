"""The kinds of ends that a command has, and the exit code of each."""

import os
import sys
import traceback
from typing import Final, NoReturn

GOES_ON: Final = "what is committed stays: the same command goes on from there"

FAULT: Final = (
    "this is a fault of raymeta: please report the lines above, the command, its config, and what `raymeta doctor` "
    "prints; what is committed stays"
)

PACKAGES_OF_EXTRAS: Final = {
    "ray": "ray",
    "fastapi": "serve",
    "starlette": "serve",
    "uvicorn": "serve",
    "prometheus_client": "serve",
    "httpx": "people",
    "shapely": "people",
}
"""Packages that raymeta does without until a command needs them, and the extra that installs each."""

EXIT_FAILED: Final = 1
EXIT_BAD_INPUT: Final = 2
EXIT_WAITING: Final = 3
EXIT_INTERRUPTED: Final = 130


class InputError(ValueError):
    """Input that can't be used: a config, data, a run folder, a file. The message names the value and the remedy.

    Only these become one line at the command line; any other exception is a fault of raymeta and shows its traceback.
    """


class RunFailedError(RuntimeError):
    """Work on the cluster failed again and again; what is committed stays, and the same command goes on from there."""


class WaitingForPeople(Exception):
    """A run can't go on before people have labelled something; the message says what is wanted, and how to give it."""


def end_of(error: Exception, *, debug: bool = False) -> tuple[int, str]:
    """The exit code of a command that ends by this error, and what it tells.

    An error of ours, or of the system, is told in a sentence, or with `debug` with its traceback; any other is a fault
    of raymeta. Of an error that Ray brings from a worker only what the worker raised counts.
    """
    whole = "".join(traceback.format_exception(error))
    if isinstance(error, ModuleNotFoundError) and (missing := _missing_extra(error)) is not None:
        return EXIT_BAD_INPUT, f"{whole if debug else ''}raymeta: {missing}"
    codes = ((WaitingForPeople, EXIT_WAITING), (InputError, EXIT_BAD_INPUT), (RunFailedError, EXIT_FAILED))
    code = next((code for kind, code in codes if isinstance(error, kind)), None)
    if code is None and isinstance(error, OSError):
        code = EXIT_BAD_INPUT
    if code is None:
        return EXIT_FAILED, f"{whole}raymeta: {FAULT}"
    cause = getattr(error, "cause", None)
    text = str(cause) if isinstance(cause, InputError) else str(error)
    return code, f"{whole if debug else ''}raymeta: {text}"


def _missing_extra(error: ModuleNotFoundError) -> str | None:
    """What to do about a package that one of our extras installs; None for any other."""
    package = (error.name or "").partition(".")[0]
    extra = PACKAGES_OF_EXTRAS.get(package)
    if extra is None:
        return None
    without = ", or run it in this process with --local, where the command knows that" if extra == "ray" else ""
    return f"this needs the package {package}, which isn't installed: pip install 'raymeta[{extra}]'{without}"


def end_process(code: int) -> NoReturn:
    """End this process with a command's exit code.

    After Ctrl-C Ray's native threads may still be starting up, and would crash in an interpreter that is being taken
    down; what has to be closed was closed on the way out of `main`.
    """
    if code == EXIT_INTERRUPTED:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    raise SystemExit(code)

"""The kinds of ends that a command has, and the exit code of each."""

from typing import Final

GOES_ON: Final = "what is committed stays: the same command goes on from there"

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

"""What stops a run that bad input doesn't explain."""

from typing import Final

GOES_ON: Final = "what is committed stays: the same command goes on from there"


class RunFailedError(RuntimeError):
    """Work on the cluster failed again and again; what is committed stays, and the same command goes on from there."""

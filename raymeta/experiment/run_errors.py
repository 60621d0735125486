"""What stops a run that bad input doesn't explain."""


class RunFailedError(RuntimeError):
    """Work on the cluster failed again and again; what is committed stays, and the same command goes on from there."""

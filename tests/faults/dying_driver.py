"""A driver that kills itself with SIGKILL right after its n-th commit of a stage."""

import os
import signal

from raymeta.runs.iteration_folder import IterationFolder


def die_after_commit(number: int) -> None:
    """From now on this process dies at its `number`-th commit."""
    commit, count = IterationFolder.commit, [0]

    def counted(self: IterationFolder, *arguments: object, **named: object) -> None:
        commit(self, *arguments, **named)
        count[0] += 1
        if count[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)

    IterationFolder.commit = counted

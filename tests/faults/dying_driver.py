"""`raymeta run` in a process that kills itself with SIGKILL right after its n-th commit of a stage."""

import os
import signal
import sys

from raymeta.cli import main
from raymeta.experiment.iteration_folder import IterationFolder


def die_after_commit(number: int) -> None:
    commit, count = IterationFolder.commit, [0]

    def counted(self: IterationFolder, *arguments: object, **named: object) -> None:
        commit(self, *arguments, **named)
        count[0] += 1
        if count[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)

    IterationFolder.commit = counted


if __name__ == "__main__":
    die_after_commit(int(sys.argv[1]))
    sys.exit(main(["run", *sys.argv[2:]]))

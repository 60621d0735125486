"""The loop without Ray: the same stages, networks, scores and files in one process that forks within milliseconds.

So that a driver can be killed at each of its writes. Reads JSON lines `{config, overrides, log, kill_at, mode}`; for
each it forks a child that runs, or resumes, the experiment and dies at its `kill_at`-th write; answers with the
child's exit status.
"""

import contextlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from raymeta.config import load_config
from raymeta.loop.image_scorer import ImageScorer
from raymeta.loop.image_tasks import ImageTasks
from raymeta.loop.iterations import run_experiment
from raymeta.loop.local_workers import LocalScorer, LocalTrainer
from raymeta.loop.training_job import TrainingReporter
from raymeta.runs.store_files import RunError, StoreFiles

EPOCH_S = 0.05
"""As an epoch that takes longer than writing its state."""


def log_work(path: Path) -> None:
    """Note each epoch and image that is done, by any process: what stands there twice was done twice."""
    stream = path.open("a", buffering=1)

    def logged(owner: type, name: str, words: Any) -> None:
        function = getattr(owner, name)

        def call(self: Any, *arguments: Any, **options: Any) -> Any:
            stream.write(" ".join(map(str, words(self, *arguments))) + "\n")
            return function(self, *arguments, **options)

        setattr(owner, name, call)

    iteration: list[int] = []

    def epoch(_: Any, record: Any, state: Any) -> tuple[object, ...]:
        time.sleep(EPOCH_S)
        return "epoch", iteration[0], record.epoch

    logged(TrainingReporter, "epoch", epoch)
    logged(ImageScorer, "score_softmax", lambda scorer, _, image_id: ("score", scorer.bundle.iteration, image_id))
    logged(ImageScorer, "meta_segments_of", lambda scorer, _, image_id: ("meta", scorer.bundle.iteration, image_id))
    logged(
        ImageScorer, "largest_box_clicks_of", lambda scorer, _, image_id: ("sample", scorer.bundle.iteration, image_id)
    )
    logged(ImageTasks, "_whole_image_clicks", lambda _, image_id: ("clicks", image_id))
    train = LocalTrainer.train

    def train_of(self: LocalTrainer, job: Any, **calls: Any) -> Any:
        iteration[:] = [job.iteration]
        return train(self, job, **calls)

    LocalTrainer.train = train_of


@contextlib.contextmanager
def small_workers(config: Any) -> Iterator[tuple[LocalTrainer, LocalScorer]]:
    """Local workers whose parts are single images, so that few images are begun and not durable."""
    device = torch.device("cpu")
    yield LocalTrainer(config, device), LocalScorer(config, device, part_images=1)


def run_plain(config_path: str, overrides: list[str], log_path: Path) -> None:
    """Run, or resume, an experiment in this process."""
    config = load_config(config_path, overrides)
    log_work(log_path)
    output = log_path.with_name("output.txt")
    with output.open("w") as stream:
        run_experiment(config, small_workers, Console(file=stream))


def die_at_write(kill_at: int, mode: str) -> None:
    """SIGKILL this process at its `kill_at`-th write: before it, in the middle of it (torn), or after it."""
    write, count = StoreFiles.write_unguarded, [0]

    def counted(self: StoreFiles, name: str, data: bytes) -> None:
        count[0] += 1
        if count[0] != kill_at:
            write(self, name, data)
            return
        if mode == "after":
            write(self, name, data)
        if mode == "torn":
            path = Path(self.path(name))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_name(f".{path.name}.tmp").write_bytes(data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)

    StoreFiles.write_unguarded = counted


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            try:
                if order["kill_at"]:
                    die_at_write(order["kill_at"], order["mode"])
                run_plain(order["config"], order["overrides"], Path(order["log"]))
                os._exit(0)
            except RunError as error:
                Path(order["log"]).with_name("output.txt").write_text(str(error))
                os._exit(2)
            except BaseException:
                Path(order["log"]).with_name("output.txt").write_text(traceback.format_exc())
                os._exit(1)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()

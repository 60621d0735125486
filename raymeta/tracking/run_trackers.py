"""Tells the trackers of a run what it does; one that is away never stops or delays it."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self

from raymeta.config import ExperimentConfig, flatten
from raymeta.errors import WaitingForPeople
from raymeta.locations import hide_secrets, last_name
from raymeta.runs.records import SummaryRecord
from raymeta.runs.run_store import RunStore
from raymeta.tracking.tracker import End, TrackedRun
from raymeta.tracking.tracker_thread import Closing, Numbers, TrackerThread

CLOSE_S: Final = 30.0
"""Seconds that the trackers get to send the rest once the run ended."""


class RunTrackers:
    """All trackers of a run, each with a thread of its own.

    class_names: of the data set, by class id. say: gets a line where a tracker can't be reached.
    """

    def __init__(
        self, config: ExperimentConfig, store: RunStore, class_names: Sequence[str], say: Callable[[str], None]
    ) -> None:
        run = _tracked_run(config, store)
        self._class_names = class_names
        self._threads = [TrackerThread(tracker, run, store.files, say) for tracker in config.trackers]
        self._iterations = 0
        self._epochs_before = 0
        self._epoch: int | None = None
        self._end: End = "finished"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        end: End = "finished" if error is None else "failed"
        if isinstance(error, WaitingForPeople):
            end = "waits"
        elif isinstance(error, KeyboardInterrupt):
            end = "stopped"
        for thread in self._threads:
            thread.put(Closing(end))
        for thread in self._threads:
            thread.join(CLOSE_S)

    def epoch(self, epoch: int, validation_miou: float | None) -> None:
        """So many epochs of the current iteration are done; the first call may come from a training that is resumed."""
        before, self._epoch = self._epoch, epoch
        if before is not None and epoch > before and validation_miou is not None:
            values = {"validation_miou": 100 * validation_miou, "of_iteration": float(self._iterations)}
            self._put(Numbers(values, "epoch", self._epochs_before + epoch - 1))

    def iteration(self, summary: SummaryRecord) -> None:
        """An iteration is finished, now or before the run was resumed; those that were told are not told again."""
        self._put(Numbers(summary_values(summary, self._class_names), "iteration", summary.iteration))
        self._iterations += 1
        self._epochs_before += summary.epochs or 0
        self._epoch = None

    def _put(self, numbers: Numbers) -> None:
        for thread in self._threads:
            thread.put(numbers)


def summary_values(summary: SummaryRecord, class_names: Sequence[str]) -> dict[str, float]:
    """The numbers of an iteration by name: IoU and costs in percent, counts, seconds of each stage."""
    values: dict[str, float | None] = {
        "miou": 100 * summary.miou,
        "test_miou": None if summary.test_miou is None else 100 * summary.test_miou,
        **{name: cost.value for name, cost in summary.costs.items()},
        "labelled_share": summary.labelled_share,
        "boxes": summary.boxes,
        "query_boxes": summary.query_boxes,
        "r2": summary.r2,
        "epochs": summary.epochs,
        "failed_images": len(summary.failed_images),
    }
    values |= {f"seconds/{stage}": seconds for stage, seconds in summary.seconds.items()}
    for name, iou in zip(class_names, summary.class_iou, strict=False):
        values[f"class_iou/{_plain(name)}"] = None if iou is None else 100 * iou
    return {name: float(value) for name, value in values.items() if value is not None}


def _plain(name: str) -> str:
    """A class's name in characters that every tracker takes."""
    return "".join(letter if letter.isalnum() or letter in "_-. " else "_" for letter in name)


def _tracked_run(config: ExperimentConfig, store: RunStore) -> TrackedRun:
    values = {key: hide_secrets(value) if isinstance(value, str) else value for key, value in flatten(config).items()}
    kept = {key: value for key, value in values.items() if not key.startswith(("trackers", "notify"))}
    path = hide_secrets(store.location).rstrip("/").split("?")[0]
    name = f"{config.acquisition.strategy}-{last_name(path)}"
    return TrackedRun(path, store.local_root, name, last_name(path.rpartition("/")[0]) or "runs", kept)

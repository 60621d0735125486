"""TensorBoard: event files, which `tensorboard --logdir RUNS` shows."""

from collections.abc import Mapping

from torch.utils.tensorboard import SummaryWriter

from raymeta.config import TrackerConfig
from raymeta.tracking.tracker import End, StepKind, TrackedRun, files_of


class TensorBoardTracker:
    """One folder of event files; a resumed run adds a file to it."""

    def __init__(self, folder: str, run: TrackedRun, *, is_new: bool) -> None:
        self.run_id = folder
        self._writer = SummaryWriter(folder)
        if is_new:
            text = "\n".join(f"    {key}: {value}" for key, value in run.values.items())
            self._writer.add_text("config", text)

    def log(self, values: Mapping[str, float], kind: StepKind, step: int) -> None:
        """See `Tracker.log`."""
        for name, value in values.items():
            self._writer.add_scalar(f"{kind}/{name}", value, step)
        self._writer.flush()

    def close(self, end: End) -> None:
        """See `Tracker.close`."""
        self._writer.close()


def open_tracker(config: TrackerConfig, run: TrackedRun, run_id: str | None) -> TensorBoardTracker:
    """See `OpenTracker`."""
    return TensorBoardTracker(str(files_of(config, run)), run, is_new=run_id is None)

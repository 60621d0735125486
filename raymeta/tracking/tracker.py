"""The seam to programs that show experiments: what a tracker gets, and which there are."""

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Protocol

from raymeta.config import ExperimentConfig, TrackerConfig, TrackerKind
from raymeta.errors import InputError

StepKind = Literal["iteration", "epoch"]
End = Literal["finished", "waits", "failed", "stopped"]
INSTALL: Final = "pip install 'raymeta[trackers]'"


@dataclass(frozen=True)
class TrackedRun:
    """What a tracker knows of a run.

    location: its folder. local_root: the same as a path, None behind other file systems. name, group: as people see
    them. values: every key of the config.
    """

    location: str
    local_root: Path | None
    name: str
    group: str
    values: Mapping[str, Any]


class Tracker(Protocol):
    """One run in one program. Calls come from one thread; an error means that it is away, and that it is opened again.

    run_id: names the tracker's own run, so that a resumed one goes on in it.
    """

    run_id: str

    def log(self, values: Mapping[str, float], kind: StepKind, step: int) -> None:
        """Numbers by name, at an iteration or an epoch; epochs count over all iterations. Both count from 0."""
        ...

    def close(self, end: End) -> None:
        """The run ended, or is interrupted."""
        ...


class OpenTracker(Protocol):
    """Opens a tracker's run: the one that was kept, or, with None, a new one."""

    def __call__(self, config: TrackerConfig, run: TrackedRun, run_id: str | None) -> Tracker: ...


class _Kind(NamedTuple):
    """package: what it needs, as Python imports it. module: holds `open_tracker`."""

    package: str
    module: str


KINDS: Final[dict[TrackerKind, _Kind]] = {
    "tensorboard": _Kind("tensorboard", "raymeta.tracking.tensorboard_tracker"),
    "mlflow": _Kind("mlflow", "raymeta.tracking.mlflow_tracker"),
    "wandb": _Kind("wandb", "raymeta.tracking.wandb_tracker"),
}


def check_trackers(config: ExperimentConfig) -> None:
    """Look whether the trackers of a config can be used here; none is imported or asked.

    Raises:
        InputError: a package is missing, or a tracker that writes files would write them behind a URI.
    """
    for tracker in config.trackers:
        package = KINDS[tracker.kind].package
        if importlib.util.find_spec(package) is None:
            raise InputError(
                f"trackers: {tracker.kind} needs the package {package}, which isn't installed: {INSTALL}, "
                f"or leave {tracker.kind} out"
            )
        place = tracker.location or config.run_dir
        if tracker.kind != "mlflow" and "://" in place:
            raise InputError(
                f"trackers: {tracker.kind} writes local files and can't write to {place}: "
                f"name a folder, as in {{kind: {tracker.kind}, location: /data/{tracker.kind}}}"
            )


def open_tracker(config: TrackerConfig, run: TrackedRun, run_id: str | None) -> Tracker:
    """Open a tracker of any kind; its package is imported here.

    Raises:
        Exception: whatever the package raises where it can't go on.
    """
    module = importlib.import_module(KINDS[config.kind].module)
    opener: OpenTracker = module.open_tracker
    return opener(config, run, run_id)


def files_of(config: TrackerConfig, run: TrackedRun) -> Path:
    """Folder of a tracker's own files: beside the run's, or for each run one below `location`.

    Raises:
        InputError: the run lies behind a URI and no folder is named.
    """
    if config.location is not None:
        return Path(config.location) / run.group / run.name
    if run.local_root is None:
        raise InputError(f"trackers: {config.kind} needs `location`, a local folder, as {run.location} is none")
    return run.local_root / config.kind

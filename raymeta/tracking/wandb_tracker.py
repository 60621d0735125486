"""Weights & Biases: a run online, or offline in a folder that `wandb sync` sends later."""

import netrc
import os
import secrets
from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import urlsplit

import wandb

from raymeta.config import TrackerConfig
from raymeta.tracking.tracker import End, StepKind, TrackedRun, files_of

SERVER: Final = "https://api.wandb.ai"
START_S: Final = 30


class WandbTracker:
    """One run of wandb."""

    def __init__(self, run: "wandb.Run") -> None:
        self.run_id = str(run.id)
        self._run = run
        for kind in ("iteration", "epoch"):
            run.define_metric(kind)
            run.define_metric(f"{kind}/*", step_metric=kind)

    def log(self, values: Mapping[str, float], kind: StepKind, step: int) -> None:
        """See `Tracker.log`."""
        self._run.log({kind: step, **{f"{kind}/{name}": value for name, value in values.items()}})

    def close(self, end: End) -> None:
        """See `Tracker.close`."""
        self._run.finish(exit_code=0 if end in ("finished", "waits") else 1)


def open_tracker(config: TrackerConfig, run: TrackedRun, run_id: str | None) -> WandbTracker:
    """See `OpenTracker`."""
    folder = files_of(config, run)
    folder.mkdir(parents=True, exist_ok=True)
    # wandb makes a folder named wandb of its own in the one that it gets.
    place = folder.parent if config.location is None else folder
    return WandbTracker(
        wandb.init(
            project=config.project,
            name=run.name,
            group=run.group,
            id=run_id or secrets.token_hex(4),
            resume="allow",
            reinit="create_new",  # leaves a run alone that the user's own program has open
            dir=str(place),
            config=dict(run.values),
            mode=_mode(),
            settings=wandb.Settings(console="off", silent=True, init_timeout=START_S, disable_code=True),
        )
    )


def _mode() -> Literal["online", "offline", "shared", "disabled"]:
    """Online only where somebody is logged in: wandb would ask for a key in the middle of the run."""
    named = os.environ.get("WANDB_MODE")
    if named in ("online", "offline", "shared", "disabled"):
        return named  # type: ignore[return-value]
    return "online" if os.environ.get("WANDB_API_KEY") or _is_logged_in() else "offline"


def _is_logged_in() -> bool:
    host = urlsplit(os.environ.get("WANDB_BASE_URL", SERVER)).hostname or ""
    try:
        return netrc.netrc(os.environ.get("NETRC")).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False

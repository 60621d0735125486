"""MLflow: a run on a tracking server, or in a folder."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from raymeta.config import TrackerConfig
from raymeta.tracking.tracker import End, StepKind, TrackedRun, files_of

STATUS: Final[dict[End, str]] = {"finished": "FINISHED", "waits": "SCHEDULED", "failed": "FAILED", "stopped": "KILLED"}
MAX_VALUE: Final = 500
"""Characters of a parameter that every version of the server takes."""
MAX_PARAMS_PER_CALL: Final = 100


class MlflowTracker:
    """One run of MLflow."""

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self.run_id = run_id
        self._client = client

    def log(self, values: Mapping[str, float], kind: StepKind, step: int) -> None:
        """See `Tracker.log`."""
        now = int(1000 * time.time())
        metrics = [Metric(f"{kind}/{name}", value, now, step) for name, value in values.items()]
        self._client.log_batch(self.run_id, metrics=metrics)

    def close(self, end: End) -> None:
        """See `Tracker.close`."""
        self._client.set_terminated(self.run_id, STATUS[end])


def open_tracker(config: TrackerConfig, run: TrackedRun, run_id: str | None) -> MlflowTracker:
    """See `OpenTracker`; a run that the server doesn't know any more is begun anew."""
    _give_up_soon()
    client = MlflowClient(_tracking_uri(config, run))
    if run_id is not None and _is_there(client, run_id):
        client.update_run(run_id, status="RUNNING")
        return MlflowTracker(client, run_id)
    created = client.create_run(_experiment(client, config.project), run_name=run.name, tags={"group": run.group})
    params = [Param(key, _short(value)) for key, value in run.values.items()]
    for first in range(0, len(params), MAX_PARAMS_PER_CALL):
        client.log_batch(created.info.run_id, params=params[first : first + MAX_PARAMS_PER_CALL])
    return MlflowTracker(client, created.info.run_id)


def _give_up_soon() -> None:
    """A server that is away is asked again with the next iteration, not for minutes now; what the user set stays."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")


def _tracking_uri(config: TrackerConfig, run: TrackedRun) -> str:
    named = config.location or os.environ.get("MLFLOW_TRACKING_URI")
    if named is None:
        named = str(files_of(config, run).with_name("mlruns"))
    if "://" in named:
        return named
    # A folder is what somebody without a server has; MLflow 3 would rather have a database and asks for this word.
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    return Path(named).absolute().as_uri()


def _is_there(client: MlflowClient, run_id: str) -> bool:
    try:
        return bool(client.get_run(run_id).info.lifecycle_stage == "active")
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return False
        raise


def _experiment(client: MlflowClient, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name))
    except MlflowException:  # a run beside this one was quicker
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 1]}…"

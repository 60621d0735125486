"""The folder of a study, sweep, or several seeds: what lies there must be theirs before any of the runs begins."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from raymeta.config import ExperimentConfig, is_many, run_configs, run_name
from raymeta.runs.other_config import OtherConfigError
from raymeta.runs.run_folders import is_run
from raymeta.runs.run_store import RunError, RunStore

_FOLDERS_AT_A_TIME: Final = 8
"""Behind a URI each takes a few requests."""


def check_study_folder(config: ExperimentConfig) -> None:
    """Raise RunError where the folder for the runs of `seeds`, or of a study, is a run itself."""
    if is_many(config) and is_run(config.run_dir):
        raise RunError(
            f"run_dir {config.run_dir} holds a run without repetitions: choose another folder for these runs"
        )


def check_study_resumes(config: ExperimentConfig) -> None:
    """Look whether the config begins, or can go on with, each of its runs; writes nothing.

    A study of which only some runs went on would compare runs of different settings.

    Raises:
        RunError: run_dir itself is a run, a run was begun with another config, or its folder can't be read. Each run is
            named, with its reason.
    """
    check_study_folder(config)
    check_runs_resume({run_name(config, run): run for run in run_configs(config)}, config.run_dir, "run_dir")


def check_runs_resume(runs: Mapping[str, ExperimentConfig], folder: str, key: str) -> None:
    """Look whether each of the runs can begin, or go on; writes nothing.

    Args:
        runs: their configs, by the names that a message has for them.
        folder: what holds them all; `key` of the config names it.
        key: for the remedy.

    Raises:
        RunError: a run was begun with another config, or its folder can't be read. Each is named, with its reason.
    """
    names_by_reason = dict[str, list[str]]()
    with ThreadPoolExecutor(_FOLDERS_AT_A_TIME, "run-folders") as threads:
        for name, reason in zip(runs, threads.map(_refusal, runs.values()), strict=True):
            if reason is not None:
                names_by_reason.setdefault(reason, []).append(name)
    if names_by_reason:
        refused = sum(map(len, names_by_reason.values()))
        lines = "".join(f"  {', '.join(names)}: {reason}\n" for reason, names in names_by_reason.items())
        raise RunError(
            f"{refused} of the {len(runs)} runs in {folder} can't go on with this config, so none is started:\n"
            f"{lines}take these values back to resume the runs, or choose another {key}"
        )


def _refusal(run: ExperimentConfig) -> str | None:
    """Why a run that is there can't be resumed; None where it can, or isn't there."""
    try:
        RunStore(run.run_dir).check_resumable(run)
    except OtherConfigError as error:
        return "; ".join(error.changed)
    except RunError as error:
        return str(error)
    return None

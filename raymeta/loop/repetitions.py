"""The runs of a study, or of several seeds, one after the other, in this process."""

from collections.abc import Mapping

from rich.console import Console

from raymeta.config import ExperimentConfig, run_configs, run_name, shared_folder
from raymeta.errors import end_of
from raymeta.locations import hide_secrets
from raymeta.loop.iterations import run_locally
from raymeta.loop.shared_work import SharedWork
from raymeta.loop.study_folder import check_study_resumes


def run_one_after_another(config: ExperimentConfig, console: Console) -> dict[str, int]:
    """Run, or resume, each run of the config; a run that fails doesn't stop the others.

    Returns:
        The exit code of each run folder, as the `raymeta` command gives them: 0 where it is finished.

    Raises:
        RunError: run_dir itself is a run, or a run there was begun with another config; none is started then.
    """
    check_study_resumes(config)
    runs, codes = run_configs(config), dict[str, int]()
    for number, run in enumerate(runs, 1):
        console.print(f"run {number} of {len(runs)}: {run_name(config, run)}", highlight=False, markup=False)
        codes[run.run_dir] = _exit_code(run, console)
    forget_shared_work(config, codes)
    return codes


def forget_shared_work(config: ExperimentConfig, codes: Mapping[str, int]) -> None:
    """Remove what the runs of a study left for each other, once all are done; a folder that the config names stays.

    codes: exit code of each run.
    """
    if config.study is not None and config.shared_dir is None and not any(codes.values()):
        SharedWork(shared_folder(config)).delete()


def _exit_code(run: ExperimentConfig, console: Console) -> int:
    try:
        run_locally(run, console)
    except Exception as error:
        code, text = end_of(error)
        console.print(hide_secrets(f"{run.run_dir}: {text}"), highlight=False, markup=False, soft_wrap=True)
        return code
    return 0

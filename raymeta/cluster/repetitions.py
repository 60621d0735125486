"""The runs of a study, or of several seeds: ordinary runs side by side, as many as the cluster has room for."""

import os
import time
from collections.abc import Mapping
from functools import partial

import ray
from rich.console import Console

from raymeta.cluster.connection import cluster_address, cluster_gpus, ray_connection
from raymeta.cluster.experiment_process import ExperimentProcess
from raymeta.config import ExperimentConfig, run_configs, run_name
from raymeta.loop.repetitions import forget_shared_work
from raymeta.loop.study_folder import check_study_resumes

POLL_S = 0.5


def run_repetitions(config: ExperimentConfig, address: str | None, console: Console) -> dict[str, int]:
    """Run, or resume, each run of the config.

    A run that fails doesn't stop the others; each resumes on its own when the same command is given again.
    Returns the exit code of each run folder, 0 where it is finished.

    Raises:
        RunError: run_dir itself is a run, or a run there was begun with another config; none is started then.
        ConnectionFailedError: no cluster answers at the address.
    """
    check_study_resumes(config)
    runs = run_configs(config)
    with ray_connection(address):
        local = cluster_address(address) is None
        places = min(concurrent_runs(run, len(runs), local=local) for run in runs)
        console.print(f"{len(runs)} runs, {places} at a time", highlight=False)
        codes = _run_all(
            {run_name(config, run): run for run in runs}, ray.get_runtime_context().gcs_address, places, console
        )
        forget_shared_work(config, codes)
        return codes


def concurrent_runs(config: ExperimentConfig, runs: int, *, local: bool) -> int:
    """Runs of this size that the connected cluster takes at a time: 1 to `runs`.

    A local Ray pretends to have 4 CPUs, so that waiting actors find a place: there the machine's cores count.
    An experiment trains and scores in turns, but holds the GPUs of both all along.
    """
    cpus = os.cpu_count() or 1 if local else int(ray.cluster_resources().get("CPU", 1))
    training, scoring = config.training, config.scoring
    needed = max(training.workers * training.threads_per_worker, scoring.actors * scoring.threads_per_actor)
    places = cpus // needed
    gpus = cluster_gpus()
    if gpus:
        places = min(places, gpus // (training.workers + scoring.actors))
    return max(1, min(runs, places))


def _run_all(runs: Mapping[str, ExperimentConfig], address: str, places: int, console: Console) -> dict[str, int]:
    waiting, running, codes = list(runs.items()), dict[str, ExperimentProcess](), dict[str, int]()
    try:
        while waiting or running:
            while waiting and len(running) < places:
                name, run = waiting.pop(0)
                # Alone it may draw its progress bar; side by side each line says whose it is.
                show = None if places == 1 else partial(_print_named, console, f"{name}: ")
                if places == 1:
                    number = len(runs) - len(waiting)
                    console.print(f"run {number} of {len(runs)}: {name}", highlight=False, markup=False)
                running[run.run_dir] = ExperimentProcess(run, address, show)
            time.sleep(POLL_S)
            for folder in [folder for folder, process in running.items() if process.poll() is not None]:
                codes[folder] = running.pop(folder).wait()
                if codes[folder]:
                    console.print(f"{folder} failed with exit code {codes[folder]}", highlight=False, soft_wrap=True)
    finally:
        for process in running.values():
            process.stop()
    return codes


def _print_named(console: Console, name: str, line: str) -> None:
    console.print(name + line, highlight=False, markup=False, soft_wrap=True)

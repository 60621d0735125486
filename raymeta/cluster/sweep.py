"""`raymeta sweep`: Ray Tune over ordinary runs; their run folders are the sweep's whole state."""

import logging
import os
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import ray
from rich.console import Console

from raymeta.cluster.connection import cluster_address, ray_connection
from raymeta.cluster.experiment_process import ExperimentProcess
from raymeta.cluster.repetitions import concurrent_runs
from raymeta.config import ExperimentConfig, parse_config
from raymeta.datasets.registry import open_dataset
from raymeta.errors import InputError
from raymeta.locations import below, without_options
from raymeta.loop.experiment_split import experiment_split
from raymeta.loop.number_checks import check_numbers
from raymeta.loop.study_folder import check_runs_resume
from raymeta.report.figure_style import to_png
from raymeta.report.page import SWEEP_PICTURE
from raymeta.report.run_results import load_run
from raymeta.runs.run_folders import is_run
from raymeta.runs.store_files import RunError, StoreFiles
from raymeta.sweeps.plan import SweepConfig, Trial, plan_trials
from raymeta.sweeps.results import (
    TrialRow,
    best_measure,
    heat_map,
    is_finished,
    print_trials,
    trial_rows,
    trials_csv,
    value_scatter,
)
from raymeta.sweeps.stopped_trials import read_stopped

POLL_S = 0.5


class TrialFailedError(RuntimeError):
    """A trial's run ended with an error; the message holds the last lines that it printed."""


def run_sweep(sweep: SweepConfig, address: str | None, console: Console) -> tuple[int, bool]:
    """Run, or resume, every trial of a sweep; then write its table and heat map to SWEEP_DIR/report.

    A trial whose run is finished, or that the scheduler ended earlier, isn't started again; the others go on where
    they were. A trial that fails doesn't stop the others. Returns 0, or 1 where a trial failed, and whether
    any run was begun.

    Raises:
        ConfigError: a combination is no valid config. ValueError: one doesn't fit the data set.
        RunError: a trial's run was begun with another config; none is started then.
        ConnectionFailedError: no cluster answers at the address.
    """
    trials = plan_trials(sweep)
    check_trials_resume(sweep, trials)
    check_trials(trials)
    files = StoreFiles(sweep.sweep_dir)
    runs = [run for trial in trials for run in trial.runs]
    stopped = read_stopped(files)
    todo = [run for run in runs if run.run_dir not in stopped and not _is_done(run)]
    console.print(f"{len(trials)} trials, {len(runs)} runs, {len(runs) - len(todo)} of them done", highlight=False)
    failed: list[str] = []
    if todo:
        with ray_connection(address):
            local = cluster_address(address) is None
            places = sweep.max_concurrent or min(concurrent_runs(run, len(todo), local=local) for run in todo)
            console.print(f"{places} at a time", highlight=False)
            # With a scheduler the finished ones are told too: their curves are what the others are compared with.
            waiting = todo if sweep.scheduler == "none" else [run for run in runs if run.run_dir not in stopped]
            failed = _tune(sweep, waiting, places, console)
    rows = trial_rows(trials, read_stopped(files))
    print_trials(rows, console)
    path = write_sweep_tables(sweep, rows)
    console.print(f"sweep: {path}", highlight=False, soft_wrap=True)
    return (1 if failed else 0), any(row.state != "not begun" for row in rows)


def check_trials_resume(sweep: SweepConfig, trials: Sequence[Trial]) -> None:
    """Look whether each trial's runs can begin, or go on; finished and ended ones too: the table compares them all.

    Raises:
        RunError: one or more can't, or the folder of a trial's seeds is a run itself.
    """
    start = without_options(sweep.sweep_dir).rstrip("/") + "/"
    runs = {without_options(run.run_dir).removeprefix(start): run for trial in trials for run in trial.runs}
    folders = {below(sweep.sweep_dir, trial.name): trial for trial in trials}
    alone = [folder for folder, trial in folders.items() if trial.runs[0].run_dir != folder and is_run(folder)]
    if alone:
        raise RunError(
            f"{', '.join(alone)}: a run without repetitions, where those of several seeds belong: choose another "
            "sweep_dir"
        )
    check_runs_resume(runs, sweep.sweep_dir, "sweep_dir")


def check_trials(trials: Sequence[Trial]) -> None:
    """Look whether every trial's numbers fit its data set, before any of them costs time.

    Raises:
        RunError: one or more don't; each is named.
    """
    faults = []
    for trial in trials:
        config = trial.runs[0]
        try:
            dataset = open_dataset(config.dataset, config.seed)
            check_numbers(config, dataset, experiment_split(config, dataset))
        except (InputError, OSError) as error:
            faults.append(f"  {trial.name}: {error}")
    if faults:
        raise RunError("trials that can't run:\n" + "\n".join(faults))


def write_sweep_tables(sweep: SweepConfig, rows: Sequence[TrialRow]) -> str:
    """Write SWEEP_DIR/report/sweep.csv and sweep.png; gives the path of the picture."""
    report = StoreFiles(below(sweep.sweep_dir, "report"))
    draw = heat_map if sweep.search == "grid" else value_scatter
    report.write("sweep.csv", trials_csv(rows))
    report.write(SWEEP_PICTURE, to_png(draw(rows, best_measure(rows))))
    return report.path(SWEEP_PICTURE)


def _is_done(run: ExperimentConfig) -> bool:
    return is_run(run.run_dir) and is_finished(load_run(run.run_dir), run.iterations)


def _tune(sweep: SweepConfig, runs: Sequence[ExperimentConfig], places: int, console: Console) -> list[str]:
    """Let Tune run them, `places` at a time; gives the run folders that failed."""
    from ray import tune

    from raymeta.cluster.sweep_progress import SweepProgress

    # Tune turns Ctrl-C into a quiet end; here it has to stop the command, as it stops a run.
    os.environ["TUNE_DISABLE_SIGINT_HANDLER"] = "1"
    os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
    # Tune's own tables and tracebacks; each trial's iterations and its reason are told by SweepProgress.
    os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    # Trials only wait for a process of their own; next to this one, so that all of them see the same files.
    here = f"node:{ray.util.get_node_ip_address()}"
    resources = tune.PlacementGroupFactory([{"CPU": 0.1, here: 0.001}])
    context = {"address": ray.get_runtime_context().gcs_address}
    space = {"run": tune.grid_search([run.model_dump() for run in runs]), **context}
    with tempfile.TemporaryDirectory(prefix="raymeta-tune-") as storage:
        results = tune.Tuner(
            tune.with_resources(run_trial, resources),
            param_space=space,
            tune_config=tune.TuneConfig(
                max_concurrent_trials=places, scheduler=_scheduler(sweep, runs), reuse_actors=False
            ),
            run_config=tune.RunConfig(name="sweep", storage_path=storage, verbose=0, callbacks=[SweepProgress(sweep)]),
        ).fit()
    found = [results[index] for index in range(len(results))]
    failed = [str((result.config or {})["run"]["run_dir"]) for result in found if result.error is not None]
    for folder in failed:
        console.print(f"{folder} failed", highlight=False, soft_wrap=True)
    return failed


def _scheduler(sweep: SweepConfig, runs: Sequence[ExperimentConfig]) -> Any:
    """None, or ASHA on mIoU: by iteration, or by cost_A, where trials of unlike query sizes are compared fairly."""
    if sweep.scheduler == "none":
        return None
    from ray.tune.schedulers import ASHAScheduler

    longest = max(run.iterations for run in runs) if sweep.asha_time == "iteration" else 100
    return ASHAScheduler(
        time_attr=sweep.asha_time,
        metric="miou",
        mode="max",
        max_t=max(longest, sweep.asha_grace),
        grace_period=sweep.asha_grace,
        reduction_factor=sweep.asha_reduction,
    )


def run_trial(settings: dict[str, Any]) -> None:
    """Tune's trial: one run in a process of its own, told to Tune iteration by iteration.

    Raises:
        TrialFailedError: the run failed.
    """
    config = parse_config(settings["run"])
    if _is_done(config):
        _report(config, 0)
        return
    process = ExperimentProcess(config, settings["address"], on_line=lambda line: None)
    reported = 0
    try:
        while process.poll() is None:
            time.sleep(POLL_S)
            reported = _report(config, reported)
        code = process.wait()
    finally:
        process.stop()
    _report(config, reported)
    if code:
        raise TrialFailedError("\n".join(process.lines))


def _report(config: ExperimentConfig, reported: int) -> int:
    """Report the iterations after the first `told`; gives how many are told now."""
    from ray import tune

    summaries = load_run(config.run_dir).summaries if is_run(config.run_dir) else ()
    for summary in summaries[reported:]:
        costs = {name: cost.value for name, cost in summary.costs.items()}
        tune.report({"iteration": summary.iteration + 1, "miou": summary.miou, **costs})
    return len(summaries)

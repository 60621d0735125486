"""`demo`, `check`, `run`, `sweep`, `scenes`: what computes."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from raymeta.cli.options import add_address, add_command, add_config, add_overrides, add_place, load
from raymeta.config import DEFAULT_STRATEGY, PRESETS, ConfigError, ExperimentConfig, is_many, run_configs
from raymeta.errors import EXIT_BAD_INPUT, EXIT_WAITING
from raymeta.local_files import absolute_location
from raymeta.locations import below


def add_commands(commands: Any) -> None:
    """Add them to the parser."""
    text = "a strategy against random_box on generated street scenes"
    demo = add_command(commands, "demo", text, "demo", "demo --out /tmp/demo --local", "demo --strategy metabox_plus")
    demo.add_argument(
        "--strategy",
        choices=[name for name, preset in PRESETS.items() if preset.gain is not None and name != "random_box"],
        default=DEFAULT_STRATEGY,
        metavar="NAME",
        help="what is asked for: %(choices)s (%(default)s); metabox_plus is the paper's",
    )
    demo.add_argument("--out", default="runs/demo", help="folder for scenes, runs and the report (%(default)s)")
    demo.add_argument("--seed", type=int, default=0, help="seed of scenes and runs (%(default)s)")
    add_place(demo)
    demo.set_defaults(command=_demo)

    text = "is the data there and readable, do the numbers fit; changes nothing"
    check = add_command(commands, "check", text, "check my.yaml", "check my.yaml acquisition.box_width=32")
    add_config(check)
    check.add_argument("--picture", metavar="FILE", help="write a PNG of six images with their labels over them")
    check.set_defaults(command=_check)

    run = add_command(
        commands,
        "run",
        "run, or resume, an experiment, its repetitions, or a study",
        "run my.yaml",
        "run my.yaml acquisition.strategy=random_box run_dir=runs/mine_random",
        "run configs/studies/camvid_small.yaml dataset.root=/data/camvid --local",
    )
    add_config(run)
    add_place(run)
    run.add_argument("--wait", action="store_true", help="where people label: wait for them, and go on")
    run.set_defaults(command=_run)

    text = "runs over box widths, query sizes or any other values, by Ray Tune"
    sweep = add_command(commands, "sweep", text, "sweep configs/sweeps/camvid_small_box_width.yaml")
    sweep.add_argument("config", metavar="SWEEP", help="YAML file, see configs/sweeps/")
    add_overrides(sweep, "as in samples=4")
    add_address(sweep)
    sweep.set_defaults(command=_sweep)

    text = "write generated street scenes in the Cityscapes layout"
    scenes = add_command(commands, "scenes", text, "scenes /tmp/scenes --train 20 --val 5 --height 128 --width 256")
    scenes.add_argument("root", metavar="OUT_DIR", help="folder to write; an intact set of the same numbers is kept")
    scenes.add_argument("--train", type=int, default=60, help="images of the pool (%(default)s)")
    scenes.add_argument("--val", type=int, default=20, help="images for validation (%(default)s)")
    scenes.add_argument("--height", type=int, default=512, help="pixels (%(default)s)")
    scenes.add_argument("--width", type=int, default=1024, help="pixels (%(default)s)")
    scenes.add_argument("--seed", type=int, default=0, help="same seed, same scenes (%(default)s)")
    scenes.set_defaults(command=_scenes)


def _demo(options: argparse.Namespace) -> int:
    from raymeta.demo import run_demo

    console = Console()
    if options.local:
        return run_demo(Path(options.out), options.strategy, options.seed, _run_locally, console)
    from raymeta.cluster.connection import ray_connection
    from raymeta.cluster.experiment import run_experiment

    with ray_connection(options.address):
        return run_demo(
            Path(options.out),
            options.strategy,
            options.seed,
            lambda config, _: run_experiment(config, options.address, console),
            console,
        )


def _run_locally(config: ExperimentConfig, console: Console) -> None:
    from raymeta.loop.iterations import run_locally

    run_locally(config, console)


def _check(options: argparse.Namespace) -> int:
    from raymeta.loop.check import check_experiment

    config = load(options)
    report = check_experiment(config, image_bar)
    for line in [*report.faults, *(f"warning: {line}" for line in report.warnings), *report.facts]:
        print(line)
    if options.picture is not None:
        from raymeta.loop.check_picture import write_check_picture

        print(f"picture: {write_check_picture(config, options.picture)}")
    faults, warnings = len(report.faults), len(report.warnings)
    end = f"{faults} {'fault' if faults == 1 else 'faults'} found" if faults else "all readable"
    print(f"{end}, {warnings} {'warning' if warnings == 1 else 'warnings'}" if warnings else end)
    return EXIT_BAD_INPUT if faults else 0


@contextmanager
def image_bar(count: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error, which goes away; nothing where that is no terminal."""
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("looking at files", total=count)
        yield lambda: progress.advance(task)


def _run(options: argparse.Namespace) -> int:
    from raymeta.report.report_tables import print_table

    config = load(options)
    console = Console()
    if is_many(config):
        return _run_many(config, options, console)
    if options.wait:
        from raymeta.loop.waiting import run_until_answered

        run_until_answered(config, lambda: run_one(config, options, console), console.print)
    else:
        run_one(config, options, console)
    print_table([config.run_dir], console)
    console.print(f"report: {_report([config.run_dir], config.run_dir)}", highlight=False, soft_wrap=True)
    return 0


def _report(runs: list[str], run_dir: str) -> str:
    """Path of the report of some runs in the folder of the run, or study; it is made where it isn't as the runs are."""
    from raymeta.report.report_freshness import PAGE, is_fresh
    from raymeta.runs.store_files import StoreFiles

    folder = below(run_dir, "report")
    if is_fresh(folder, runs):
        return StoreFiles(folder).path(PAGE)
    from raymeta.report.page import write_report

    return write_report(runs, folder)


def run_one(config: ExperimentConfig, options: argparse.Namespace, console: Console) -> None:
    """Run, or resume, one experiment where the options say."""
    if options.local:
        _run_locally(config, console)
    else:
        from raymeta.cluster.experiment import run_experiment

        run_experiment(config, options.address, console)


def _run_many(config: ExperimentConfig, options: argparse.Namespace, console: Console) -> int:
    from raymeta.report.report_tables import print_table

    codes = _exit_codes(config, options, console)
    while options.wait and EXIT_WAITING in codes.values():
        from raymeta.loop.waiting import wait_for_answers

        wait_for_answers([run for run in run_configs(config) if codes[run.run_dir] == EXIT_WAITING], console.print)
        codes = _exit_codes(config, options, console)
    finished = [folder for folder, code in codes.items() if code == 0]
    if finished:
        print_table(finished, console)
        console.print(f"report: {_report(finished, config.run_dir)}", highlight=False, soft_wrap=True)
    failed = [folder for folder, code in codes.items() if code not in (0, EXIT_WAITING)]
    waiting = [folder for folder, code in codes.items() if code == EXIT_WAITING]
    again = "the same command goes on with them"
    for folders, what in ((failed, "failed"), (waiting, "wait for people")):
        if folders:
            first = "put right what is said above, then " if EXIT_BAD_INPUT in map(codes.get, folders) else ""
            print(
                f"raymeta: {len(folders)} of {len(codes)} runs {what}: {', '.join(folders)}; {first}{again}",
                file=sys.stderr,
            )
    return max(codes[folder] for folder in failed) if failed else max(codes.values())


def _exit_codes(config: ExperimentConfig, options: argparse.Namespace, console: Console) -> dict[str, int]:
    """Run, or resume, all runs of a config; the exit code of each run folder."""
    if options.local:
        from raymeta.loop.repetitions import run_one_after_another

        return run_one_after_another(config, console)
    from raymeta.cluster.repetitions import run_repetitions

    return run_repetitions(config, options.address, console)


def _sweep(options: argparse.Namespace) -> int:
    from raymeta.cluster.sweep import run_sweep
    from raymeta.report.page import write_report
    from raymeta.sweeps.plan import load_sweep

    sweep = load_sweep(options.config, options.overrides)
    console = Console()
    code, begun = run_sweep(sweep, options.address, console)
    if begun:
        console.print(f"report: {write_report([sweep.sweep_dir])}", highlight=False, soft_wrap=True)
    return code


def _scenes(options: argparse.Namespace) -> int:
    from rich.progress import Progress

    from raymeta.datasets.street_scenes.dataset import write_street_scenes

    for name in ("train", "val", "height", "width"):
        if getattr(options, name) < 1:
            raise ConfigError(f"--{name} {getattr(options, name)}: choose at least 1")
    with Progress(transient=True) as progress:
        task = progress.add_task("scenes", total=options.train + options.val)
        write_street_scenes(
            absolute_location("OUT_DIR", options.root),
            options.train,
            options.val,
            options.height,
            options.width,
            options.seed,
            progress=lambda: progress.advance(task),
        )
    print(f"{options.train} + {options.val} scenes in {options.root}")
    return 0

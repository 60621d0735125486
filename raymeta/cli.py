"""The `raymeta` command."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from raymeta import __version__
from raymeta.config import ConfigError, ExperimentConfig, load_config
from raymeta.errors import EXIT_BAD_INPUT, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_WAITING, RunFailedError, WaitingForPeople
from raymeta.local_files import absolute_location
from raymeta.locations import below, hide_secrets


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 on success, 1 where the cluster failed, 2 with one message on bad input, 3 where the run waits for people,
        130 after Ctrl-C.
    """
    options = _parse(arguments)
    # Threads that spin while they wait starve everything else on a small machine. Read once, when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        return int(options.command(options))
    except KeyboardInterrupt:
        print("\nstopped: the same command goes on where it was", file=sys.stderr)
        return EXIT_INTERRUPTED
    except (ValueError, OSError) as error:
        print(hide_secrets(f"raymeta: {error}"), file=sys.stderr)
        return EXIT_BAD_INPUT
    except RunFailedError as error:
        print(hide_secrets(f"raymeta: {error}"), file=sys.stderr)
        return EXIT_FAILED
    except WaitingForPeople as waiting:
        print(hide_secrets(f"raymeta: {waiting}"), file=sys.stderr)
        return EXIT_WAITING


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse; overrides may also come after options, which argparse alone refuses."""
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and not (hasattr(options, "overrides") and all("=" in r and not r.startswith("-") for r in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        options.overrides = [*options.overrides, *rest]
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="raymeta",
        description="Region-based active learning for semantic segmentation (MetaBox+), on a laptop or a Ray cluster.",
        epilog="Ray: --address or RAY_ADDRESS names a cluster; without either a local Ray is started.",
    )
    parser.add_argument("--version", action="version", version=f"raymeta {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="metabox_plus against random_box on generated street scenes")
    demo.add_argument("--out", default="runs/demo", help="folder for scenes, runs and the report (%(default)s)")
    demo.add_argument("--seed", type=int, default=0, help="seed of scenes and runs (%(default)s)")
    _add_place(demo)
    demo.set_defaults(command=_demo)

    check = commands.add_parser("check", help="is the data there and readable, do the numbers fit; changes nothing")
    _add_config(check)
    check.set_defaults(command=_check)

    run = commands.add_parser("run", help="run, or resume, an experiment")
    _add_config(run)
    _add_place(run)
    run.set_defaults(command=_run)

    report = commands.add_parser("report", help="compare runs: table, curves, pictures")
    report.add_argument(
        "runs", nargs="+", metavar="RUN", help="run folders, or folders of runs; full_set gives the target"
    )
    report.add_argument("--out", help="folder of the report (RUN/report of the first run)")
    _add_dataset_root(report)
    report.set_defaults(command=_report)

    scenes = commands.add_parser("scenes", help="write generated street scenes in the Cityscapes layout")
    scenes.add_argument("root", metavar="OUT_DIR", help="folder to write; an intact set of the same numbers is kept")
    scenes.add_argument("--train", type=int, default=60, help="images of the pool (%(default)s)")
    scenes.add_argument("--val", type=int, default=20, help="images for validation (%(default)s)")
    scenes.add_argument("--height", type=int, default=512, help="pixels (%(default)s)")
    scenes.add_argument("--width", type=int, default=1024, help="pixels (%(default)s)")
    scenes.add_argument("--seed", type=int, default=0, help="same seed, same scenes (%(default)s)")
    scenes.set_defaults(command=_scenes)
    _add_study_commands(commands)
    _add_serve_command(commands)
    return parser


def _add_study_commands(commands: Any) -> None:
    """Many runs at once, and what is made of finished ones."""
    sweep = commands.add_parser("sweep", help="runs over box widths, query sizes or any other values, by Ray Tune")
    sweep.add_argument("config", metavar="SWEEP", help="YAML file, see configs/sweeps/")
    _add_overrides(sweep, "as in samples=4")
    _add_address(sweep)
    sweep.set_defaults(command=_sweep)

    export = commands.add_parser("export", help="the small tables of runs, enough for a report elsewhere")
    export.add_argument("runs", nargs="+", metavar="RUN", help="run folders, or folders of runs")
    export.add_argument("out", metavar="OUT_DIR", help="folder to write")
    export.set_defaults(command=_export)

    requery = commands.add_parser(
        "requery", help="another query from a saved network, beside the run's own; no training"
    )
    requery.add_argument("run", metavar="RUN", help="run folder; its artefacts are only read")
    requery.add_argument("--iteration", type=int, required=True, help="iteration whose network scores the pool")
    _add_overrides(requery, "as in acquisition.box_width=32")
    requery.add_argument("--out", help="folder to write (RUN/requery/…)")
    _add_dataset_root(requery)
    _add_place(requery)
    requery.set_defaults(command=_requery)


def _add_serve_command(commands: Any) -> None:
    serve = commands.add_parser("serve", help="priority maps over HTTP, while the run goes on")
    _add_service(serve)
    _add_address(serve)
    serve.set_defaults(command=_serve)


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG", help="YAML file, see configs/")
    _add_overrides(parser, "as in seed=1")
    _add_dataset_root(parser)


def _add_overrides(parser: argparse.ArgumentParser, example: str) -> None:
    text = f"values that replace the file's, {example}"
    parser.add_argument("overrides", nargs="*", metavar="key.path=value", help=text)


def _add_place(parser: argparse.ArgumentParser) -> None:
    """Where it runs: on Ray, or in this process."""
    _add_address(parser)
    parser.add_argument("--local", action="store_true", help="in this process, without Ray; gives the same queries")


def _add_address(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--address", help="Ray cluster; default RAY_ADDRESS, else a local Ray")


def _add_service(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="run folder; new iterations go live by themselves")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (%(default)s: this machine alone)")
    parser.add_argument("--port", type=int, default=8000, help="(%(default)s)")
    parser.add_argument("--replicas", type=int, default=1, help="scoring replicas at most (%(default)s)")
    parser.add_argument("--ingresses", type=int, default=2, help="HTTP processes (%(default)s)")
    parser.add_argument("--queue", type=int, default=32, help="requests that wait before it answers 503 (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads of a network pass (%(default)s)")
    parser.add_argument("--max-body-mb", type=float, default=32.0, help="largest upload, MiB (%(default)s)")
    parser.add_argument("--max-megapixels", type=float, default=4.2, help="largest uploaded image (%(default)s)")
    _add_dataset_root(parser)
    parser.add_argument("--access-log", metavar="FILE", help="one JSON line a request (stderr of the HTTP processes)")
    parser.epilog = "RAYMETA_TOKEN, where it is set, is the bearer token that /v1 asks for."


def _add_dataset_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset-root", help="folder of the data set, where it isn't the config's any more")


def _dataset_root(options: argparse.Namespace) -> str | None:
    return options.dataset_root and absolute_location("--dataset-root", options.dataset_root)


def _load(options: argparse.Namespace) -> ExperimentConfig:
    moved = [] if options.dataset_root is None else [f"dataset.root={json.dumps(_dataset_root(options))}"]
    return load_config(options.config, [*options.overrides, *moved])


def _demo(options: argparse.Namespace) -> int:
    from raymeta.demo import run_demo

    console = Console()
    if options.local:
        return run_demo(Path(options.out), options.seed, _run_locally, console)
    from raymeta.cluster.connection import ray_connection
    from raymeta.cluster.experiment import run_experiment

    with ray_connection(options.address):
        return run_demo(
            Path(options.out), options.seed, lambda config, _: run_experiment(config, options.address, console), console
        )


def _run_locally(config: ExperimentConfig, console: Console) -> None:
    from raymeta.loop.iterations import run_experiment
    from raymeta.loop.local_workers import local_workers

    run_experiment(config, local_workers, console)


def _check(options: argparse.Namespace) -> int:
    from raymeta.loop.check import check_experiment

    faults, facts = check_experiment(_load(options))
    for line in faults:
        print(line)
    for line in facts:
        print(line)
    print(f"{len(faults)} faults found" if faults else "all readable")
    return EXIT_BAD_INPUT if faults else 0


def _run(options: argparse.Namespace) -> int:
    from raymeta.report.page import print_table, write_report

    config = _load(options)
    console = Console()
    if config.seeds is not None:
        return _run_repetitions(config, options, console)
    _run_one(config, options, console)
    print_table([config.run_dir], console)
    console.print(f"report: {write_report([config.run_dir])}", highlight=False, soft_wrap=True)
    return 0


def _run_one(config: ExperimentConfig, options: argparse.Namespace, console: Console) -> None:
    if options.local:
        _run_locally(config, console)
    else:
        from raymeta.cluster.experiment import run_experiment

        run_experiment(config, options.address, console)


def _run_repetitions(config: ExperimentConfig, options: argparse.Namespace, console: Console) -> int:
    from raymeta.report.page import print_table, write_report

    if options.local:
        from raymeta.loop.repetitions import run_one_after_another

        codes = run_one_after_another(config, console)
    else:
        from raymeta.cluster.repetitions import run_repetitions

        codes = run_repetitions(config, options.address, console)
    finished = [folder for folder, code in codes.items() if code == 0]
    if finished:
        print_table(finished, console)
        path = write_report(finished, below(config.run_dir, "report"))
        console.print(f"report: {path}", highlight=False, soft_wrap=True)
    failed = [folder for folder, code in codes.items() if code]
    if failed:
        again = "the same command goes on with them"
        print(f"raymeta: {len(failed)} of {len(codes)} runs failed: {', '.join(failed)}; {again}", file=sys.stderr)
    return max(codes.values())


def _report(options: argparse.Namespace) -> int:
    from raymeta.report.page import print_table, write_report

    console = Console()
    print_table(options.runs, console)
    console.print(
        f"report: {write_report(options.runs, options.out, dataset_root=_dataset_root(options))}",
        highlight=False,
        soft_wrap=True,
    )
    return 0


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


def _export(options: argparse.Namespace) -> int:
    from raymeta.report.run_export import export_runs

    exported = export_runs(options.runs, options.out)
    for run in exported:
        print(f"{run.name}: {run.bytes_written / 1024:.0f} KiB")
    print(f"{len(exported)} runs in {options.out}; compare them with `raymeta report {options.out}`")
    return 0


def _requery(options: argparse.Namespace) -> int:
    from functools import partial

    from raymeta.report.requery import print_requery, requery

    console = Console()
    scorers: Any
    if options.local:
        from raymeta.loop.local_workers import local_scorer as scorers
    else:
        from raymeta.cluster.experiment import ray_scorer

        scorers = partial(ray_scorer, address=options.address)
    result = requery(
        options.run,
        options.iteration,
        options.overrides,
        options.out,
        console,
        scorers=scorers,
        dataset_root=_dataset_root(options),
    )
    print_requery(result, console)
    return 0


def _serve(options: argparse.Namespace) -> int:
    from raymeta.cluster.serve.command import ServeOptions, environment_token, run_service
    from raymeta.service.settings import ServiceSettings, ServingLayout

    for name in ("replicas", "ingresses", "queue", "threads", "max_body_mb", "max_megapixels"):
        if not getattr(options, name) > 0:
            raise ConfigError(f"--{name.replace('_', '-')} {getattr(options, name)}: choose more than 0")
    if not 1 <= options.port <= 65535:
        raise ConfigError(f"--port {options.port}: choose 1 to 65535")
    settings = ServiceSettings(
        run=absolute_location("RUN", options.run),
        dataset_root=_dataset_root(options),
        token=environment_token(),
        max_body_bytes=int(options.max_body_mb * 2**20),
        max_pixels=int(options.max_megapixels * 1e6),
        threads=options.threads,
        access_log=options.access_log and absolute_location("--access-log", options.access_log),
    )
    layout = ServingLayout(options.replicas, options.ingresses, options.queue)
    place = ServeOptions(options.host, options.port, options.address)
    return run_service(settings, layout, place, Console())


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

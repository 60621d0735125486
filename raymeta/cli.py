"""The `raymeta` command."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from raymeta import __version__
from raymeta.config import ConfigError, ExperimentConfig, load_config
from raymeta.experiment.run_errors import RunFailedError

EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 on success, 1 where the cluster failed, 2 with one message on bad input, 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except KeyboardInterrupt:
        print("\nstopped: the same command goes on where it was", file=sys.stderr)
        return EXIT_INTERRUPTED
    except (ValueError, OSError) as error:
        print(f"raymeta: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except RunFailedError as error:
        print(f"raymeta: {error}", file=sys.stderr)
        return EXIT_FAILED


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
    _add_address(demo)
    demo.set_defaults(command=_demo)

    check = commands.add_parser("check", help="is the data there and readable, do the numbers fit; changes nothing")
    _add_config(check)
    check.set_defaults(command=_check)

    run = commands.add_parser("run", help="run, or resume, an experiment")
    _add_config(run)
    _add_address(run)
    run.set_defaults(command=_run)

    report = commands.add_parser("report", help="compare runs: table, curves, pictures")
    report.add_argument("runs", nargs="+", metavar="RUN", help="run folders; a full_set run gives the 95 %% line")
    report.add_argument("--out", help="folder of the report (RUN/report of the first run)")
    report.set_defaults(command=_report)

    serve = commands.add_parser("serve", help="priority maps over HTTP, while the run goes on")
    _add_service(serve)
    _add_address(serve)
    serve.set_defaults(command=_serve)

    scenes = commands.add_parser("scenes", help="write generated street scenes in the Cityscapes layout")
    scenes.add_argument("root", metavar="OUT_DIR", help="folder to write; an intact set of the same numbers is kept")
    scenes.add_argument("--train", type=int, default=60, help="images of the pool (%(default)s)")
    scenes.add_argument("--val", type=int, default=20, help="images for validation (%(default)s)")
    scenes.add_argument("--height", type=int, default=512, help="pixels (%(default)s)")
    scenes.add_argument("--width", type=int, default=1024, help="pixels (%(default)s)")
    scenes.add_argument("--seed", type=int, default=0, help="same seed, same scenes (%(default)s)")
    scenes.set_defaults(command=_scenes)
    return parser


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG", help="YAML file, see configs/")
    parser.add_argument(
        "overrides", nargs="*", metavar="key.path=value", help="values that replace the file's, as in seed=1"
    )


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
    parser.add_argument("--dataset-root", help="folder of the data set, where it isn't the config's any more")
    parser.add_argument("--access-log", metavar="FILE", help="one JSON line a request (stderr of the HTTP processes)")
    parser.epilog = "RAYMETA_TOKEN, where it is set, is the bearer token that /v1 asks for."


def _load(options: argparse.Namespace) -> ExperimentConfig:
    return load_config(options.config, options.overrides)


def _demo(options: argparse.Namespace) -> int:
    from raymeta.cluster.demo import run_demo

    return run_demo(Path(options.out), options.seed, options.address)


def _check(options: argparse.Namespace) -> int:
    from raymeta.experiment.check import check_experiment

    faults, facts = check_experiment(_load(options))
    for line in faults:
        print(line)
    for line in facts:
        print(line)
    print(f"{len(faults)} faults found" if faults else "all readable")
    return EXIT_BAD_INPUT if faults else 0


def _run(options: argparse.Namespace) -> int:
    from raymeta.cluster.active_learning import run_experiment
    from raymeta.experiment.report import print_table, write_report

    config = _load(options)
    console = Console()
    run_experiment(config, options.address, console)
    print_table([config.run_dir], console)
    console.print(f"report: {write_report([config.run_dir])}", highlight=False, soft_wrap=True)
    return 0


def _report(options: argparse.Namespace) -> int:
    from raymeta.experiment.report import print_table, write_report

    console = Console()
    print_table(options.runs, console)
    console.print(f"report: {write_report(options.runs, options.out)}", highlight=False, soft_wrap=True)
    return 0


def _serve(options: argparse.Namespace) -> int:
    from raymeta.cluster.serve_command import ServeOptions, environment_token, run_service
    from raymeta.service.settings import ServiceSettings, ServingLayout

    for name in ("replicas", "ingresses", "queue", "threads", "max_body_mb", "max_megapixels"):
        if not getattr(options, name) > 0:
            raise ConfigError(f"--{name.replace('_', '-')} {getattr(options, name)}: choose more than 0")
    if not 1 <= options.port <= 65535:
        raise ConfigError(f"--port {options.port}: choose 1 to 65535")
    settings = ServiceSettings(
        run=options.run if "://" in options.run else str(Path(options.run).expanduser().absolute()),
        dataset_root=options.dataset_root,
        token=environment_token(),
        max_body_bytes=int(options.max_body_mb * 2**20),
        max_pixels=int(options.max_megapixels * 1e6),
        threads=options.threads,
        access_log=options.access_log and str(Path(options.access_log).expanduser().absolute()),
    )
    layout = ServingLayout(options.replicas, options.ingresses, options.queue)
    place = ServeOptions(options.host, options.port, options.address)
    return run_service(settings, layout, place, Console())


def _scenes(options: argparse.Namespace) -> int:
    from rich.progress import Progress

    from raymeta.datasets.street_scenes import write_street_scenes

    for name in ("train", "val", "height", "width"):
        if getattr(options, name) < 1:
            raise ConfigError(f"--{name} {getattr(options, name)}: choose at least 1")
    with Progress(transient=True) as progress:
        task = progress.add_task("scenes", total=options.train + options.val)
        write_street_scenes(
            options.root,
            options.train,
            options.val,
            options.height,
            options.width,
            options.seed,
            progress=lambda: progress.advance(task),
        )
    print(f"{options.train} + {options.val} scenes in {options.root}")
    return 0

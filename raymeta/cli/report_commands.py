"""`report`, `export`, `requery`: what is made of runs."""

import argparse
import shlex
from typing import Any

from rich.console import Console

from raymeta.cli.options import (
    add_command,
    add_dataset_root,
    add_overrides,
    add_place,
    dataset_root,
    named_runs,
    tell_left_out,
)
from raymeta.config import is_many, load_config
from raymeta.locations import below


def add_commands(commands: Any) -> None:
    """Add them to the parser."""
    report = add_command(
        commands,
        "report",
        "compare runs: table, curves, pictures",
        "report runs/mine runs/mine_random runs/mine_full",
        "report configs/studies/camvid_small.yaml",
        "report moved/run --dataset-root /data/camvid --out /tmp/report",
    )
    report.add_argument(
        "runs", nargs="+", metavar="RUN", help="run folders, folders of runs, or configs; full_set gives the target"
    )
    report.add_argument("--out", help="folder of the report (RUN/report of the first run)")
    add_dataset_root(report)
    report.set_defaults(command=_report)

    text = "the small tables of runs, enough for a report elsewhere"
    export = add_command(commands, "export", text, "export runs/study /tmp/study")
    export.add_argument("runs", nargs="+", metavar="RUN", help="run folders, folders of runs, or configs")
    export.add_argument("out", metavar="OUT_DIR", help="folder to write")
    export.set_defaults(command=_export)

    text = "another query from a saved network, beside the run's own; no training"
    requery = add_command(commands, "requery", text, "requery runs/mine --iteration 2 acquisition.box_width=32")
    requery.add_argument("run", metavar="RUN", help="run folder; its artefacts are only read")
    requery.add_argument("--iteration", type=int, required=True, help="iteration whose network scores the pool")
    add_overrides(requery, "as in acquisition.box_width=32")
    requery.add_argument("--out", help="folder to write (RUN/requery/…)")
    add_dataset_root(requery)
    add_place(requery)
    requery.set_defaults(command=_requery)


def _report(options: argparse.Namespace) -> int:
    from raymeta.report.page import print_table, write_report

    console = Console()
    runs = named_runs(options.runs)
    tell_left_out(runs)
    print_table(runs, console)
    path = write_report(runs, options.out or _study_report(options), dataset_root=dataset_root(options))
    console.print(f"report: {path}", highlight=False, soft_wrap=True)
    return 0


def _study_report(options: argparse.Namespace) -> str | None:
    """The report of a study lies beside its runs."""
    if named_runs(options.runs[:1]) == options.runs[:1]:
        return None
    config = load_config(options.runs[0])
    return below(config.run_dir, "report") if is_many(config) else None


def _export(options: argparse.Namespace) -> int:
    from raymeta.report.run_export import export_runs

    runs = named_runs(options.runs)
    tell_left_out(runs)
    exported = export_runs(runs, options.out)
    for run in exported:
        print(f"{run.name}: {run.bytes_written / 1024:.0f} KiB")
    print(f"{len(exported)} runs in {options.out}; compare them with `raymeta report {shlex.quote(options.out)}`")
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
        dataset_root=dataset_root(options),
    )
    print_requery(result, console)
    return 0

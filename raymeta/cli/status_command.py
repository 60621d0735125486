"""`status`: how far runs are, and what they wait for."""

import argparse
import json
import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from raymeta.cli.options import add_command, named_runs, tell_left_out
from raymeta.locations import last_name
from raymeta.text_tables import show_table, text_table

WATCH_S = 5.0


def add_commands(commands: Any) -> None:
    """Add it to the parser."""
    status = add_command(
        commands,
        "status",
        "how far runs are, and what they wait for",
        "status runs/mine",
        "status runs --json",
        "status configs/studies/camvid_small.yaml --watch",
    )
    status.add_argument("runs", nargs="+", metavar="RUN", help="run folders, folders of runs, or configs")
    status.add_argument("--json", action="store_true", help="for programs: one list of records")
    status.add_argument("--watch", action="store_true", help=f"again every {WATCH_S:g} s, until none of them runs")
    status.set_defaults(command=_status)


def _status(options: argparse.Namespace) -> int:
    from raymeta.labels.waiting import status_now
    from raymeta.runs.run_folders import expand_runs

    tell_left_out(named_runs(options.runs))
    while True:
        found = [status_now(run) for run in expand_runs(named_runs(options.runs))]
        if options.json:
            print(json.dumps([vars(status) for status in found], indent=2), flush=True)
        else:
            _print(found)
        if not options.watch or not any(status.state == "running" for status in found):
            return 0
        time.sleep(WATCH_S)


def _print(found: Sequence[Any]) -> None:
    console = Console()
    table = text_table()
    for name in ("run", "strategy", "seed", "state", "iterations", "next", "mIoU", "cost_A"):
        table.add_column(name, justify="left" if name in ("run", "strategy", "state", "next") else "right")
    for status in found:
        numbers = ("–" if value is None else f"{value:.2f}" for value in (status.miou, status.cost_a))
        done = f"{status.iteration}/{status.iterations}"
        row = (last_name(status.run), status.strategy, str(status.seed), status.state, done, status.stage or "–")
        table.add_row(*row, *numbers)
    show_table(console, table)
    for status in found:
        if status.forecast is not None:
            console.print(f"{last_name(status.run)}: {status.forecast}", highlight=False, markup=False, soft_wrap=True)
        if status.waits_for is not None:
            console.print(f"{status.run}: {status.waits_for}", highlight=False, markup=False, soft_wrap=True)
        elif status.state == "stopped":
            seen = "nothing works on it"
            if status.last_seen is not None:
                seen = f"the last sign of life is of {status.last_seen}: it ended without a word, or is cut off"
            text = f"{status.run}: {seen}; `raymeta run` with its config goes on"
            console.print(text, highlight=False, markup=False, soft_wrap=True)

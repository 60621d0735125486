"""`doubts`: labels that the network contradicts."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from raymeta.cli.options import add_command
from raymeta.cli.task_options import open_labels
from raymeta.text_tables import show_table, text_table

if TYPE_CHECKING:  # loads torch
    from raymeta.loop.doubted_labels import FoundDoubt

HEADER = ("rank", "score", "image_id", "top", "left", "height", "width", "pixels", "label", "seen", "task_id")


def add_commands(commands: Any) -> None:
    """Add it to the parser."""
    doubts = add_command(
        commands,
        "doubts",
        "labels that the network contradicts, the most doubtful first",
        "doubts runs/mine",
        "doubts runs/mine --reopen 20 --who lead",
        "doubts runs/mine --all --csv doubts.csv",
    )
    doubts.add_argument("run", metavar="RUN", help="run folder")
    doubts.add_argument("--limit", type=int, default=20, help="lines shown (%(default)s)")
    doubts.add_argument("--min-pixels", type=int, default=16, help="smaller groups are left out (%(default)s)")
    doubts.add_argument(
        "--all", action="store_true", help="all labels of the data set's pool, not only those asked for"
    )
    doubts.add_argument("--csv", metavar="FILE", help="write every doubt to a CSV file")
    doubts.add_argument("--reopen", type=int, default=0, metavar="N", help="ask again for the N most doubtful answers")
    doubts.add_argument("--who", help="who asks")
    doubts.set_defaults(command=_doubts)


def _doubts(options: argparse.Namespace) -> int:
    from raymeta.datasets.registry import open_dataset
    from raymeta.loop.doubted_labels import find_doubts, reopen_doubted
    from raymeta.report.csv_files import to_csv

    store, labels = open_labels(options.run)
    found = find_doubts(store, labels, whole_data_set=options.all, min_pixels=options.min_pixels)
    config = store.load_config()
    names = open_dataset(config.dataset, config.seed).class_names
    rows = [(rank, *_line(each, names)) for rank, each in enumerate(found, start=1)]
    table = text_table()
    for name in HEADER:
        table.add_column(name.replace("_", " "))
    for row in rows[: options.limit]:
        table.add_row(*("–" if value is None else str(value) for value in row))
    show_table(Console(), table)
    print(f"{len(rows)} groups of labelled pixels are contradicted")
    if options.csv:
        Path(options.csv).write_bytes(to_csv(HEADER, rows))
    if options.reopen:
        tasks = reopen_doubted(labels, found, options.reopen, names, options.who)
        print(f"{len(tasks)} tasks are asked again: {', '.join(tasks) or 'people answered none of these'}")
    return 0


def _line(found: "FoundDoubt", names: Sequence[str]) -> tuple[str | int | None, ...]:
    """What HEADER names, without the rank."""
    doubt = found.doubt
    place = (doubt.top, doubt.left, doubt.height, doubt.width, doubt.pixels)
    return f"{doubt.score:.3f}", found.image_id, *place, names[doubt.label], names[doubt.seen], found.task_id

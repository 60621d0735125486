"""`select`: the best boxes of a pool whose predictions lie in files."""

import argparse
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from raymeta.cli.options import add_address, add_command, add_overrides
from raymeta.locations import hide_secrets
from raymeta.quantities import quantity

MAX_NAMED = 3


def add_commands(commands: Any) -> None:
    """Add it to the parser."""
    text = "boxes from your own predictions: no run, no training; see docs/select.md"
    select = add_command(commands, "select", text, "select select.yaml query_size=200")
    select.add_argument("config", metavar="CONFIG", help="YAML file that names folders of softmax or logits")
    add_overrides(select, "as in strategy=entropy_box")
    select.add_argument("--on-ray", action="store_true", help="score as a Ray Data job: the same boxes")
    add_address(select)
    select.set_defaults(command=_select)


def _select(options: argparse.Namespace) -> int:
    from raymeta.predictions.selection import select
    from raymeta.predictions.selection_config import load_selection

    config = load_selection(options.config, options.overrides)
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("read predictions", total=None)

        def advance(step: str, done: int, total: int) -> None:
            progress.update(task, description=step, completed=done, total=total)

        if options.on_ray:
            from raymeta.cluster.prediction_scoring import select_on_ray

            found = select_on_ray(config, options.address, advance)
        else:
            found = select(config, advance)
    for image_id, reason in list(found.failed.items())[:MAX_NAMED]:
        _say(console, f"left out {image_id}: {reason}")
    if len(found.failed) > MAX_NAMED:
        _say(console, f"… and {len(found.failed) - MAX_NAMED} more, all in selection.json")
    r2 = "" if found.r2 is None else f", R² of the meta regressor {found.r2:.2f}"
    images = quantity(found.images - len(found.failed), "image")
    boxes = quantity(found.query.num_rows, "box", "boxes")
    _say(console, f"{boxes} of {images}{r2}: {hide_secrets(config.out_dir)}")
    if found.r2 is not None and found.r2 < 0:
        _say(
            console,
            f"R² {found.r2:.2f} is below 0: the meta regressor tells less than a mean would, so the order of the boxes "
            "says little: give more labelled images, or choose a strategy without it, as entropy_box",
        )
    return 0


def _say(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)

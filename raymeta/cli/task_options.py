"""What several actions of `raymeta tasks` share: options, the labels of a run, the sets that are named."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from raymeta.errors import InputError
from raymeta.labels.label_store import LabelStore
from raymeta.labels.task_states import Rules
from raymeta.runs.run_store import RunStore

if TYPE_CHECKING:
    from raymeta.labels.task_exports import PictureOptions


def open_labels(location: str) -> tuple[RunStore, LabelStore]:
    """A run and its labels. No lock is taken: the run may go on meanwhile.

    Raises:
        RunError: there is no run.
    """
    store = RunStore(location)
    oracle = store.load_config().oracle
    return store, LabelStore(store, Rules.of(oracle))


def set_names(labels: LabelStore, wanted: Sequence[str] | None) -> list[str]:
    """The sets that were named, all without any. Raises InputError for one that was never handed out."""
    known = labels.sets.names()
    for name in wanted or ():
        if name not in known:
            raise InputError(f"--set {name} was never handed out: choose among {', '.join(known) or 'none yet'}")
    return list(wanted) if wanted else known


def add_picture_options(parser: argparse.ArgumentParser, *, prelabels: str) -> None:
    """Options of tasks that go out. prelabels: the default, `segments` or `none`."""
    parser.add_argument("--set", action="append", dest="sets", metavar="SET", help="only this set; may be repeated")
    parser.add_argument(
        "--margin", type=int, default=32, help="pixels around what is asked, shown dimmed (%(default)s)"
    )
    parser.add_argument(
        "--as",
        dest="shown",
        choices=["crops", "images"],
        default="crops",
        help="a picture of each task, or whole images (%(default)s)",
    )
    parser.add_argument("--limit", type=int, help="tasks at most, by rank; push: of each set")
    parser.add_argument(
        "--prelabels",
        choices=["segments", "none"],
        default=prelabels,
        help="whether predicted segments are pre-drawn where there are some (%(default)s)",
    )
    parser.add_argument(
        "--simplify", type=float, default=0.0, metavar="PX", help="fewer vertices in them; 1 smooths pixel steps (0)"
    )


def picture_options(options: argparse.Namespace) -> "PictureOptions":
    """What `add_picture_options` has read.

    Raises:
        InputError: a number that makes no sense.
    """
    from raymeta.labels.task_exports import PictureOptions

    if options.margin < 0:
        raise InputError(f"--margin {options.margin}: choose 0 or more pixels")
    if options.limit is not None and options.limit < 1:
        raise InputError(f"--limit {options.limit}: choose 1 or more tasks")
    return PictureOptions(
        margin=None if options.shown == "images" else options.margin,
        prelabels=options.prelabels == "segments",
        simplify=options.simplify,
    )


def add_answer_options(parser: argparse.ArgumentParser) -> None:
    """Options of answers that come back."""
    parser.add_argument("--map", action="append", default=[], metavar="LABEL=CLASS", help="as in 'Car =car'")
    parser.add_argument("--uncovered", help="pixels without a class: void, refuse or a class")
    parser.add_argument("--who", help="who drew it, where the answers don't tell")

"""`raymeta tasks push|pull RUN`: tasks to an annotation server, and answers back."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from raymeta.cli.task_options import add_answer_options, add_picture_options, open_labels, picture_options, set_names
from raymeta.errors import EXIT_FAILED, InputError

if TYPE_CHECKING:
    from raymeta.annotation_servers.annotation_server import AnnotationServer

ACTIONS = {
    "push": "send open tasks to Label Studio or CVAT; what is there already isn't sent again",
    "pull": "fetch what people answered there; the same answers twice change nothing",
}


def add_options(parser: argparse.ArgumentParser, action: str) -> None:
    """Options of `push` or `pull`."""
    server = parser.add_mutually_exclusive_group(required=True)
    server.add_argument("--label-studio", metavar="URL", help="token in LABEL_STUDIO_API_KEY")
    server.add_argument("--cvat", metavar="URL", help="token in CVAT_ACCESS_TOKEN")
    if action == "push":
        add_picture_options(parser, prelabels="segments")
        parser.add_argument("--out", metavar="DIR", help="folder that the pictures stay in, see --pictures-at")
        parser.add_argument(
            "--pictures-at",
            metavar="URL",
            help="Label Studio: pictures aren't uploaded, DIR/SET/pictures is served here",
        )
    else:
        parser.add_argument("--set", action="append", dest="sets", metavar="SET", help="only this set; may be repeated")
        add_answer_options(parser)
    parser.set_defaults(command=_push if action == "push" else _pull)


def _push(options: argparse.Namespace) -> int:
    server = _server(options)
    from raymeta.annotation_servers.server_exchange import push_tasks

    if (options.pictures_at is None) != (options.out is None):
        raise InputError("--pictures-at URL and --out DIR belong together: the pictures in DIR are served at URL")
    store, labels = open_labels(options.run)
    summary = push_tasks(
        store,
        labels,
        set_names(labels, options.sets),
        server,
        picture_options(options),
        limit=options.limit,
        folder=None if options.out is None else Path(options.out),
    )
    for message in summary.messages:
        print(message)
    print(f"{server.url}: {summary.line()}")
    return 0


def _pull(options: argparse.Namespace) -> int:
    server = _server(options)
    from raymeta.annotation_servers.server_exchange import pull_answers

    store, labels = open_labels(options.run)
    summary = pull_answers(
        store,
        labels,
        set_names(labels, options.sets),
        server,
        class_map=options.map,
        uncovered=options.uncovered,
        who=options.who,
    )
    for message in summary.messages:
        print(message)
    print(f"{server.url}: {summary.line()}")
    return EXIT_FAILED if summary.refused else 0


def _server(options: argparse.Namespace) -> "AnnotationServer":
    """The server that is named, with the token of the environment."""
    from raymeta.annotation_servers.server_choice import open_server

    pictures_at: str | None = getattr(options, "pictures_at", None)
    if options.label_studio is not None:
        return open_server("label-studio", options.label_studio, os.environ, pictures_at=pictures_at)
    if pictures_at is not None:
        raise InputError("--pictures-at is for Label Studio: CVAT gets the pictures themselves")
    return open_server("cvat", options.cvat, os.environ)

"""`raymeta annotators`: the people who may answer tasks over HTTP."""

import argparse
from typing import Any

from raymeta.cli.options import add_command
from raymeta.labels.annotator_list import ROLES, add_annotator, load_annotators, remove_annotator

_FILE_HELP = "YAML file, made if it isn't there; it holds checksums of tokens"


def add_commands(commands: Any) -> None:
    """Add `annotators` to the parser."""
    annotators = add_command(
        commands,
        "annotators",
        "people who may label on the page, and their tokens",
        "annotators add annotators.yaml --name ann",
        "annotators add annotators.yaml --name ben --role annotate --role review",
        "serve runs/mine --host 0.0.0.0 --annotators annotators.yaml",
    )
    actions = annotators.add_subparsers(title="actions", metavar="ACTION", required=True)
    add = _add_action(actions, "add", "add a person; prints the token, which is shown only now")
    add.add_argument("--name", required=True, help="that answers are signed with")
    add.add_argument(
        "--role", action="append", choices=ROLES, dest="roles", help="may be repeated; admin has all of them (annotate)"
    )
    add.set_defaults(command=_add)
    remove = _add_action(actions, "remove", "take a person off the list; answers stay")
    remove.add_argument("--name", required=True, help="as it stands in the file")
    remove.set_defaults(command=_remove)
    listed = _add_action(actions, "list", "names and roles")
    listed.set_defaults(command=_list)


def _add_action(actions: Any, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
    parser.add_argument("file", metavar="FILE", help=_FILE_HELP)
    return parser


def _add(options: argparse.Namespace) -> int:
    token = add_annotator(options.file, options.name, options.roles or ["annotate"])
    print(f"{options.name} is in {options.file}. The token, which is written nowhere else:")
    print(token)
    return 0


def _remove(options: argparse.Namespace) -> int:
    remove_annotator(options.file, options.name)
    print(f"{options.name} may not answer any more")
    return 0


def _list(options: argparse.Namespace) -> int:
    for annotator in load_annotators(options.file).annotators:
        print(f"{annotator.name}: {', '.join(annotator.roles)}")
    return 0

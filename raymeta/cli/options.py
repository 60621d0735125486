"""Options that several commands share, and what becomes of them."""

import argparse
import difflib
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from raymeta.config import ExperimentConfig, load_config, run_configs
from raymeta.errors import InputError
from raymeta.local_files import absolute_location


def add_command(commands: Any, name: str, text: str, *examples: str) -> argparse.ArgumentParser:
    """A command with its one-line help and examples of its use."""
    epilog = "examples:\n" + "\n".join(f"  raymeta {example}" for example in examples) if examples else None
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text, epilog=epilog)
    return parser


def add_config(parser: argparse.ArgumentParser) -> None:
    """CONFIG, its overrides, and where the data set is."""
    parser.add_argument("config", metavar="CONFIG", help="YAML file, see configs/")
    add_overrides(parser, "as in seed=1; `raymeta config --keys` lists them")
    add_dataset_root(parser)


def add_overrides(parser: argparse.ArgumentParser, example: str) -> None:
    """Values that replace the file's."""
    text = f"values that replace the file's, {example}"
    parser.add_argument("overrides", nargs="*", metavar="key.path=value", help=text)


def add_place(parser: argparse.ArgumentParser) -> None:
    """Where it runs: on Ray, or in this process."""
    add_address(parser)
    parser.add_argument("--local", action="store_true", help="in this process, without Ray; gives the same queries")


def add_address(parser: argparse.ArgumentParser) -> None:
    """Which Ray."""
    parser.add_argument("--address", help="Ray cluster; default RAY_ADDRESS, else a local Ray")


def add_dataset_root(parser: argparse.ArgumentParser) -> None:
    """Where the data set is now."""
    parser.add_argument("--dataset-root", help="folder of the data set, where it isn't the config's any more")


def dataset_root(options: argparse.Namespace) -> str | None:
    """--dataset-root made absolute."""
    return options.dataset_root and absolute_location("--dataset-root", options.dataset_root)


def load(options: argparse.Namespace) -> ExperimentConfig:
    """The config that the options name."""
    moved = [] if options.dataset_root is None else [f"dataset.root={json.dumps(dataset_root(options))}"]
    return load_config(options.config, [*options.overrides, *moved])


def named_runs(names: Sequence[str]) -> list[str]:
    """Run folders, and in the place of a config file the folders of its runs that were begun.

    Raises:
        InputError: a config none of whose runs was begun.
    """
    from raymeta.runs.run_folders import is_run

    found: list[str] = []
    for name in names:
        if not (name.endswith((".yaml", ".yml")) and Path(name).is_file()):
            found.append(name)
            continue
        begun = [run.run_dir for run in run_configs(load_config(name)) if is_run(run.run_dir)]
        if not begun:
            raise InputError(f"{name}: none of its runs was begun: start them with `raymeta run {shlex.quote(name)}`")
        found += begun
    return found


def tell_left_out(names: Sequence[str]) -> None:
    """Say on standard error which runs of `named_runs` folders a command doesn't look at, and why."""
    from raymeta.runs.run_folders import find_runs

    for line in find_runs(names).left_out:
        print(f"warning: {line}", file=sys.stderr)


def near_words(word: str, known: Sequence[str]) -> str:
    """`; did you mean …?` for the known words that are most like it, or nothing."""
    near = difflib.get_close_matches(word, known, n=2, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""

"""`config`: what can stand in a config, and what a file amounts to."""

import argparse
import json
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from raymeta.cli.options import add_command, add_overrides, near_words
from raymeta.config import ConfigError, load_config, run_configs
from raymeta.config.keys import ConfigKey, config_keys
from raymeta.text_tables import show_table, text_table


def add_commands(commands: Any) -> None:
    """Add it to the parser."""
    config = add_command(
        commands,
        "config",
        "list the keys of a config, or show all values of one",
        "config --keys",
        "config --keys training",
        "config my.yaml seed=1",
    )
    config.add_argument("config", nargs="?", metavar="CONFIG", help="YAML file: print all of its values, with defaults")
    add_overrides(config, "as in seed=1")
    text = "list keys with type, default, meaning: all, or a section's"
    config.add_argument("--keys", nargs="?", const="", metavar="PREFIX", help=text)
    config.add_argument("--json", action="store_true", help="for programs")
    config.set_defaults(command=_config)


def _config(options: argparse.Namespace) -> int:
    if options.keys is not None:
        return _keys(options.keys, as_json=options.json)
    if options.config is None:
        raise ConfigError("config: name a file, or ask for --keys")
    runs = [run.model_dump(mode="json") for run in run_configs(load_config(options.config, options.overrides))]
    print(json.dumps(runs, indent=2) if options.json else yaml.safe_dump_all(runs, sort_keys=False), end="")
    return 0


def _keys(prefix: str, *, as_json: bool) -> int:
    keys = config_keys(prefix)
    if not keys:
        known = [key.name for key in config_keys()]
        sections = sorted({name.rpartition(".")[0] for name in known if "." in name})
        raise ConfigError(f"--keys {prefix}: no key begins so{near_words(prefix, [*sections, *known])}")
    if as_json:
        print(json.dumps([vars(key) for key in keys], indent=2))
        return 0
    console = Console()
    if console.is_terminal:
        show_table(console, _table(keys))
    else:
        for key in keys:
            print("\t".join((key.name, key.kind, "needed" if key.default is None else key.default, key.meaning)))
    return 0


def _table(keys: list[ConfigKey]) -> Table:
    table = text_table()
    for name in ("key", "type", "default", "meaning"):
        table.add_column(name, no_wrap=name == "key", overflow="fold")
    for key in keys:
        table.add_row(key.name, key.kind, "needed" if key.default is None else key.default, key.meaning)
    return table

"""The `raymeta` command: parse, load the config, one call."""

from raymeta.cli.command_line import main

__all__ = ["main"]

"""`glossary`: what the words in commands, reports, tables and on the page mean."""

import argparse
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from raymeta.cli.options import add_command, near_words
from raymeta.errors import InputError

MAX_WIDTH = 100
"""Columns: longer lines are hard to read."""


def add_commands(commands: Any) -> None:
    """Add it to the parser."""
    text = "what a word in commands, reports, tables and on the page means"
    parser = add_command(commands, "glossary", text, "glossary", "glossary cost_A", "glossary meta")
    parser.add_argument("words", nargs="*", metavar="WORD", help="words to explain (all)")
    parser.set_defaults(command=_glossary)


def _glossary(options: argparse.Namespace) -> int:
    from raymeta.annotation.cost_models import COST_MODELS
    from raymeta.report.glossary import MORE_WORDS, glossary

    words = {**dict(glossary(list(COST_MODELS.values()))), **MORE_WORDS}
    width = min(MAX_WIDTH, shutil.get_terminal_size().columns)
    for word in _chosen(words, options.words):
        print(word)
        print(textwrap.fill(words[word], width, initial_indent="    ", subsequent_indent="    "))
    return 0


def _chosen(words: Mapping[str, str], wanted: Sequence[str]) -> list[str]:
    """The entries whose heads hold one of the wanted words; of all entries, where none is wanted."""
    if not wanted:
        return list(words)
    chosen = []
    for part in wanted:
        found = [word for word in words if part.casefold() in word.casefold()]
        if not found:
            heads = [head for word in words for head in word.split(", ")]
            raise InputError(f"{part!r} isn't a word here{near_words(part, heads)}; `raymeta glossary` lists them")
        chosen += found
    return list(dict.fromkeys(chosen))

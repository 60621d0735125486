"""Tables as commands print them."""

from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

MAX_WIDTH: Final = 1000
"""Characters of a line where no terminal says how many fit."""


def text_table() -> Table:
    """An empty table with a line below its head."""
    return Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))


def show_table(console: Console, table: Table) -> None:
    """Print a table; into a file or a pipe each row stays on one line, whatever its length.

    Cells are printed as they are: names of people's folders and classes may look like markup.
    """
    if console.is_terminal:
        for column in table.columns:
            column.overflow = "fold"  # what a narrow terminal cuts off nobody can read
        console.print(table, markup=False)
        return
    width = console.width
    console.width = MAX_WIDTH
    try:
        console.width = max(width, console.measure(table, options=console.options.update(markup=False)).maximum)
        console.print(table, markup=False)
    finally:
        console.width = width

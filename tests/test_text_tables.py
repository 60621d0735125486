"""Tables into pipes and terminals: whole rows, and people's names as they are."""

import io

from rich.console import Console

from raymeta.text_tables import show_table, text_table


def shown(width: int, *, terminal: bool, name: str) -> str:
    table = text_table()
    table.add_column("strategy", overflow="fold")
    table.add_column("figure", justify="right")
    table.add_row(name, "12.34")
    sink = io.StringIO()
    console = Console(file=sink, width=width, force_terminal=terminal, color_system=None)
    show_table(console, table)
    assert console.width == width
    return sink.getvalue()


def test_a_pipe_gets_each_row_on_one_line():
    name = "random_box_matched, " * 8
    assert (
        sum("12.34" in line and name.strip() in line for line in shown(40, terminal=False, name=name).split("\n")) == 1
    )


def test_a_terminal_is_never_overrun():
    assert max(map(len, shown(40, terminal=True, name="random_box_matched " * 8).splitlines())) <= 40


def test_names_that_look_like_markup_stay():
    for terminal in (False, True):
        assert "a[/b] [red]c" in shown(60, terminal=terminal, name="a[/b] [red]c")

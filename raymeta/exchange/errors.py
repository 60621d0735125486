"""What is said about files that people bring: refused whole, or one shape of one picture."""

from typing import Any

from raymeta.errors import InputError


class ExchangeError(InputError):
    """A file, archive, folder or manifest that is refused whole; the message names it, the value and the remedy."""


class ShapeFault(ExchangeError):
    """One shape or value that can't be read; readers turn it into a fault of its picture."""


def shown(value: Any, most: int = 40) -> str:
    """A value from a file as it may stand in a message: one line, of bounded length, without control characters."""
    text = ascii(value[: most + 1]) if isinstance(value, str) and not _printable(value[: most + 1]) else _short(value)
    return text if len(text) <= most + 2 else text[: most - 1] + "…'"


def printable(text: str) -> str:
    """The text with a question mark for each character that isn't shown, or controls the terminal."""
    return "".join(character if _printable(character) else "?" for character in text)


def _printable(text: str) -> bool:
    return all(character.isprintable() and not "\ud800" <= character <= "\udfff" for character in text)


def _short(value: Any) -> str:
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, (dict, list)):
        return f"a {'list' if isinstance(value, list) else 'object'} of {len(value)}"
    if isinstance(value, int) and abs(value) > 10**30:
        return "a huge number"
    return repr(value)

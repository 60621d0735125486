"""Counts in sentences: `1 image`, `2 images`."""


def quantity(number: int, one: str, many: str = "") -> str:
    """A number and the noun that goes with it.

    Args:
        number: how many.
        one: the noun of one.
        many: that of any other number; `one` with an s where it is left out.
    """
    return f"{number} {one if number == 1 else many or one + 's'}"

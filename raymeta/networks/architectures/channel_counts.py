"""Channel counts under a width multiplier, and what a network's numbers may be."""

from raymeta.errors import InputError

MAX_CLASSES = 255
DIVISOR = 8


def check_network_numbers(num_classes: int, width_multiplier: float) -> None:
    """Raise ValueError unless there are 1 to 255 classes and a factor above 0."""
    if not 1 <= num_classes <= MAX_CLASSES:
        raise InputError(f"num_classes {num_classes}: choose 1 to {MAX_CLASSES}, label 255 means ignored")
    if not width_multiplier > 0:
        raise InputError(f"width_multiplier {width_multiplier}: choose a factor above 0")


def scaled(channels: int, width_multiplier: float) -> int:
    """Nearest count, at least 1."""
    return max(1, round(channels * width_multiplier))


def scaled_to_eights(channels: int, width_multiplier: float) -> int:
    """Nearest multiple of 8 that isn't more than 10 % below, at least 8: the rule of the MobileNet papers."""
    wanted = channels * width_multiplier
    rounded = max(DIVISOR, int(wanted + DIVISOR / 2) // DIVISOR * DIVISOR)
    return rounded + DIVISOR if rounded < 0.9 * wanted else rounded

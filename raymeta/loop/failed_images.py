"""How many images of a stage may be unreadable before the stage stops."""

from collections.abc import Mapping
from typing import Final

from raymeta.errors import GOES_ON, RunFailedError

NAMED: Final = 5


class TooManyFailedImagesError(RunFailedError):
    """So many images can't be read that the result would be another experiment's."""


def check_failed_share(failed: Mapping[str, str], asked: int, max_share: float, what: str) -> None:
    """Stop where too many of a stage's images can't be read. A single one never is, unless `max_share` is 0.

    Args:
        failed: the reason for each image.
        asked: images of the stage, those that failed included.
        max_share: `dataset.max_failed_share`.
        what: kind of images, for the message.

    Raises:
        TooManyFailedImagesError: more than `max_share`; the message names some of them.
    """
    allowed = max(int(max_share * asked), int(max_share > 0))
    if len(failed) <= allowed:
        return
    lines = [f"  {image_id}: {reason}" for image_id, reason in sorted(failed.items())[:NAMED]]
    if len(failed) > NAMED:
        lines.append(f"  and {len(failed) - NAMED} more")
    raise TooManyFailedImagesError(
        f"{len(failed)} of {asked} {what} can't be read, at most {allowed} may be left out:\n"
        + "\n".join(lines)
        + f"\nrepair them (`raymeta check` names all), or raise dataset.max_failed_share {max_share:g}; {GOES_ON}"
    )

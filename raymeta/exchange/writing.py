"""Drawn pictures as files of any format, in a folder."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from raymeta.exchange.drawn_pictures import DrawnPicture
from raymeta.exchange.errors import ExchangeError, shown
from raymeta.exchange.formats import FormatName, writer_of
from raymeta.exchange.manifest import TaskClass


def write_pictures(
    folder: Path,
    pictures: Iterable[DrawnPicture],
    classes: Sequence[TaskClass],
    format: FormatName | str,
    *,
    answered: bool = True,
) -> list[Path]:
    """Write shapes as files of one format; files of the same names are replaced.

    Args:
        folder: made if it isn't there.
        pictures: shapes in painting order, size, and the name of each picture with its ending.
        classes: of the run; shapes may also be labelled `void`.
        format: one of `FORMATS`.
        answered: whether people drew the shapes, or a network did.

    Returns:
        Paths of the files.

    Raises:
        ExchangeError: an unknown format, a picture without size, or a name that leaves the folder.
        OSError: nothing can be written there.
    """
    paths = []
    for name, data in writer_of(format)(map(_checked, pictures), classes, answered=answered):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        paths.append(path)
    return paths


def _checked(picture: DrawnPicture) -> DrawnPicture:
    if not picture.height or not picture.width:
        raise ExchangeError(f"picture {shown(picture.name)} has no size: give its height and width")
    if not picture.name or picture.name.startswith("/") or ".." in picture.name.replace("\\", "/").split("/"):
        raise ExchangeError(f"picture {shown(picture.name)}: its name leaves the folder")
    return picture

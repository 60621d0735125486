"""Which tasks a picture answers, and where its pixels lie in the stored image."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from raymeta.exchange.drawn_pictures import DrawnPicture
from raymeta.exchange.errors import ShapeFault, shown
from raymeta.exchange.manifest import Manifest, Task

_ENDINGS: Final = re.compile(r"\.(png|jpe?g|bmp|tiff?|webp)$", re.IGNORECASE)
_ALL_ENDINGS: Final = re.compile(r"(_leftImg8bit)?(\.(png|jpe?g|bmp|tiff?|webp|json))+$", re.IGNORECASE)
_UPLOAD_HASH: Final = re.compile(r"^[0-9a-f]{8}-")
_FREE_FOLDERS: Final = frozenset({"labelme", "x-anylabeling", "label-studio"})
"""Formats whose picture paths start anywhere: at the file, or at a server."""


@dataclass(frozen=True)
class Frame:
    """From the shown picture to the stored image: turned upright back if need be, then moved.

    left, top: of the picture in the image. height, width: of the picture as stored. orientation: EXIF tag by which it
    was turned when shown.
    """

    left: float
    top: float
    height: float
    width: float
    whole_image: bool
    orientation: int = 1

    def to_image(self, ring: NDArray[np.float64]) -> NDArray[np.float64]:
        """Corner coordinates of the stored image; (N, 2) float64."""
        return np.stack(_turned_back(ring[:, 0], ring[:, 1], self), axis=1) + np.array([self.left, self.top])


@dataclass(frozen=True)
class Match:
    """A task that a picture answers.

    fault: why its pixels can't be placed. doubt: why it may be another task's.
    """

    task: Task
    frame: Frame | None
    fault: str | None = None
    doubt: str | None = None


class TaskIndex:
    """Tasks of a manifest by what files call them.

    Args:
        manifest: the tasks.
        turn_back: whether answers on turned pictures are turned back, where the orientation is known.
    """

    def __init__(self, manifest: Manifest, turn_back: bool) -> None:
        self._tasks = manifest.tasks
        self._turn_back = turn_back
        self._by_id = {task.id: task for task in manifest.tasks}
        folded = Counter(task.id.casefold() for task in manifest.tasks)
        self._by_folded_id = {task.id.casefold(): task for task in manifest.tasks if folded[task.id.casefold()] == 1}
        self._by_file: dict[str, list[Task]] = {}
        self._by_image: dict[str, list[Task]] = {}
        self._sizes: dict[str, tuple[int, int]] = {}
        for task in manifest.tasks:
            image_id = _composed(task.image_id)
            self._by_image.setdefault(image_id, []).append(task)
            if task.file:
                self._by_file.setdefault(_composed(task.file), []).append(task)
            if task.image is not None:
                self._sizes[image_id] = (task.image.height, task.image.width)
            elif task.box is None and task.scale == 1 and (task.crop.top, task.crop.left) == (0, 0):
                self._sizes.setdefault(image_id, (task.crop.height, task.crop.width))

    def find(self, picture: DrawnPicture, form: str, by_size: bool = False) -> list[Match]:
        """Tasks that a picture answers, none for a stranger.

        Args:
            picture: its name, and the task id where the file carries one.
            form: name of its format.
            by_size: whether a task with a picture of this size may be taken, for want of a name: without doubt if it is
                the only one.
        """
        if picture.task_id is not None:
            task = self._by_id.get(picture.task_id)
            return [] if task is None else [self._placed(task, picture)]
        path = _path(picture.name)
        name = path.rsplit("/", 1)[-1]
        named = self._named(name)
        if named is not None:
            return [self._placed(named, picture)]
        if path in self._by_file:
            return [self._placed(task, picture) for task in self._by_file[path]]
        parts = path.split("/")
        starts = range(len(parts)) if form in _FREE_FOLDERS else range(1)
        for start in starts:
            rest = "/".join(parts[start:])
            for image_id in (rest, _ENDINGS.sub("", rest)):
                if image_id in self._by_image:
                    return [self._on_whole_image(task, picture) for task in self._by_image[image_id]]
        hashed = _ENDINGS.sub("", _UPLOAD_HASH.sub("", name))
        if form == "label-studio" and hashed in self._by_image:
            return [self._on_whole_image(task, picture) for task in self._by_image[hashed]]
        if by_size:
            alike = [match for task in self._tasks if (match := self._placed(task, picture)).fault is None]
            return alike if len(alike) < 2 else [replace(alike[0], doubt=_doubt(alike, picture))]
        return []

    def _named(self, name: str) -> Task | None:
        """The task of a picture's name without folders: its id, whatever endings and hashes tools put beside it."""
        bare = _UPLOAD_HASH.sub("", name)
        for stem in (name, *(_ALL_ENDINGS.sub("", each).strip() for each in (name, bare, unquote(bare)))):
            task = self._by_id.get(stem) or self._by_folded_id.get(stem.casefold())
            if task is not None:
                return task
        return None

    def _placed(self, task: Task, picture: DrawnPicture) -> Match:
        """On the picture of the task itself."""
        crop = task.crop
        frame = Frame(crop.left, crop.top, crop.height, crop.width, whole_image=False)
        if task.scale != 1 and _size(picture) == (round(crop.height / task.scale), round(crop.width / task.scale)):
            # A crop in the data set's pixels: the size of the picture tells.
            left, top, height, width = (side / task.scale for side in (crop.left, crop.top, crop.height, crop.width))
            frame = Frame(left, top, height, width, whole_image=False)
        return self._checked(task, picture, frame)

    def _on_whole_image(self, task: Task, picture: DrawnPicture) -> Match:
        size = self._sizes.get(_composed(task.image_id), _size(picture))
        if size is None:
            return Match(task, None, "its picture has no size")
        top, left, height, width = task.region
        if (top + height) / task.scale > size[0] + 0.5 or (left + width) / task.scale > size[1] + 0.5:
            asked = f"{width}×{height} px at left {left}, top {top}"
            return Match(task, None, f"annotated at {size[1]}×{size[0]}, which doesn't hold its box of {asked}")
        return self._checked(task, picture, Frame(0, 0, size[0], size[1], whole_image=True))

    def _checked(self, task: Task, picture: DrawnPicture, frame: Frame) -> Match:
        size = _size(picture)
        if size is None or size == (frame.height, frame.width):
            return Match(task, frame)
        annotated, wanted = f"{size[1]}×{size[0]}", f"{frame.width:g}×{frame.height:g}"
        if size == (frame.width, frame.height):
            known = f" with EXIF orientation {task.orientation}" if task.orientation else ""
            if self._turn_back and task.orientation in (5, 6, 7, 8):
                return Match(task, replace(frame, orientation=task.orientation))
            remedy = "it was shown turned: turn the pixels, drop the orientation tag, and hand it out again"
            return Match(task, None, f"annotated at {annotated}, stored {wanted}{known}: {remedy}")
        remedy = "export the original size, nothing was rescaled"
        return Match(task, None, f"annotated on another size: {annotated}, handed out at {wanted}: {remedy}")


def _size(picture: DrawnPicture) -> tuple[int, int] | None:
    return None if picture.height is None or picture.width is None else (picture.height, picture.width)


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _doubt(alike: Sequence[Match], picture: DrawnPicture) -> str:
    names = ", ".join(match.task.id for match in alike[:5]) + (" …" if len(alike) > 5 else "")
    return (
        f"{shown(picture.name, 80)} names no task, and {len(alike)} pictures have {picture.width}×{picture.height} px "
        f"({names}): name the file like its picture, as {alike[0].task.id}.png.json"
    )


def _path(name: str) -> str:
    """A path with slashes, in composed Unicode, without what an address or a relative path has before it."""
    if "?d=" in name:
        name = unquote(name.split("?d=", 1)[1])
    elif "://" in name:
        name = unquote(re.split("[?#]", name.split("://", 1)[1], maxsplit=1)[0])
    parts = [part for part in _composed(name.replace("\\", "/")).split("/") if part not in ("", ".", "..")]
    return "/".join(parts)


def _turned_back(x: NDArray[np.float64], y: NDArray[np.float64], frame: Frame) -> Sequence[NDArray[np.float64]]:
    """Stored x and y of shown ones, by the meaning of the EXIF tag."""
    if frame.orientation == 1:
        return x, y
    if frame.orientation == 5:
        return y, x
    if frame.orientation == 6:
        return y, frame.height - x
    if frame.orientation == 7:
        return frame.width - y, frame.height - x
    if frame.orientation == 8:
        return frame.width - y, x
    raise ShapeFault(f"EXIF orientation {frame.orientation} isn't turned back")

"""`raymeta_tasks.json`: what was handed out, and where each picture lies in its image."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from raymeta.exchange.errors import ExchangeError, shown
from raymeta.exchange.json_values import load_json
from raymeta.exchange.limits import MAX_JSON_BYTES, MAX_PICTURE_PIXELS, MAX_PICTURE_SIDE
from raymeta.exchange.sources import SourceFile
from raymeta.field_faults import field_faults

FORMAT: Final = "raymeta-tasks-1"
MANIFEST_FILE: Final = "raymeta_tasks.json"
_SHOWN_FAULTS: Final = 20


def _shown_text(text: str) -> str:
    if not text.isprintable():
        raise ValueError(f"{text[:100]!r} holds control characters")
    return text


Text = Annotated[str, Field(max_length=1000), AfterValidator(_shown_text)]
Name = Annotated[Text, Field(min_length=1)]
Side = Annotated[int, Field(ge=1, le=MAX_PICTURE_SIDE)]
Offset = Annotated[int, Field(ge=0, le=MAX_PICTURE_SIDE)]
Coordinate = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
Points = Annotated[list[tuple[Coordinate, Coordinate]], Field(min_length=3)]


class ManifestError(ExchangeError):
    """A list of tasks that can't be used; one line for each fault."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class TaskClass(_Record):
    """One class of the run. id: 0..254. color: as `#rrggbb`."""

    id: Annotated[int, Field(ge=0, le=254)]
    name: Name
    color: Annotated[str, Field(pattern="^#[0-9a-fA-F]{6}$")] = "#808080"

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Red, green and blue, 0..255."""
        red, green, blue = bytes.fromhex(self.color[1:])
        return red, green, blue


class TaskBox(_Record):
    """A box in the data set's pixels; square where no height is given."""

    top: Offset
    left: Offset
    width: Side
    height: Side | None = None


class Crop(_Record):
    """The part of the image that the picture shows, in pixels of the stored image."""

    top: Offset
    left: Offset
    height: Side
    width: Side


class ImageSize(_Record):
    """Size of the stored image in pixels."""

    height: Side
    width: Side


class Prelabel(_Record):
    """One pre-drawn shape, in corner coordinates of the picture; with the rule `inclusive` its vertices are pixels.

    score: predicted IoU of the segment, where it is known.
    """

    id: Name
    label: Name
    points: Points
    holes: list[Points] = []
    rule: Literal["corner", "inclusive"] = "corner"
    score: Annotated[float, Field(ge=0, le=1)] | None = None

    @property
    def rings(self) -> tuple[NDArray[np.float64], ...]:
        """The outer ring and the holes, each (N, 2) float64."""
        return tuple(np.array(ring, dtype=np.float64) for ring in (self.points, *self.holes))


class SegmentQuestion(_Record):
    """A predicted segment that is asked: whether its class is right. Its shapes are the pre-annotations of the task.

    predicted: its class. named: in the data set's pixels, what of the shape gets the class of a single point; None
    where points say nothing.
    """

    predicted: Name
    named: TaskBox | None = None


class Task(_Record):
    """One region to label. box: None for the whole image. scale: pixels of the data set for each of the stored image.
    point: whether the class at the middle of the box is asked, which all of the box gets. segment: where the class of a
    predicted segment is asked.

    orientation: EXIF tag of the stored image, where it is known and not 1.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,199}$")]
    image_id: Name
    box: TaskBox | None = None
    point: bool = False
    segment: SegmentQuestion | None = None
    crop: Crop
    scale: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] = 1.0
    state: Text = "handed_out"
    file: Text = ""
    sha256: str | None = None
    prelabels: list[Prelabel] = []
    image: ImageSize | None = None
    orientation: Annotated[int, Field(ge=1, le=8)] | None = None

    @property
    def region(self) -> tuple[int, int, int, int]:
        """Top, left, height and width of what is asked, in the data set's pixels."""
        if self.box is not None:
            return self.box.top, self.box.left, self.box.height or self.box.width, self.box.width
        sides = (self.crop.top, self.crop.left, self.crop.height, self.crop.width)
        top, left, height, width = (round(side * self.scale) for side in sides)
        return top, left, max(height, 1), max(width, 1)

    @model_validator(mode="after")
    def _segment_is_shown(self) -> "Task":
        if self.segment is not None and not self.prelabels:
            raise ValueError("asks for the class of a segment, which none of its prelabels shows")
        return self

    @model_validator(mode="after")
    def _box_in_crop(self) -> "Task":
        top, left, height, width = self.region
        crop = self.crop
        if height * width > MAX_PICTURE_PIXELS:
            raise ValueError(f"a region of {height}×{width} px is more than any picture")
        inside = (
            crop.top <= top
            and crop.left <= left
            and top + height <= crop.top + crop.height
            and left + width <= crop.left + crop.width
        )
        if self.scale == 1 and not inside:
            raise ValueError(f"box (top {top}, left {left}, {height}×{width} px) reaches outside its crop")
        return self


class Manifest(_Record):
    """The tasks of one export.

    untouched: sha256 by path of the files with pre-annotations that lie beside the list: as long as they are unchanged,
    they are no answers.
    """

    format: Literal["raymeta-tasks-1"]
    run: Text = ""
    set: Text = ""
    created: Text = ""
    coordinates: str = "continuous, corner of the stored image = (0, 0)"
    classes: Annotated[list[TaskClass], Field(min_length=1)]
    void: Literal[255] = 255
    tasks: list[Task]
    untouched: dict[str, str] = {}

    @field_validator("classes")
    @classmethod
    def _distinct_classes(cls, classes: list[TaskClass]) -> list[TaskClass]:
        _refuse_doubles("class name", [each.name for each in classes])
        _refuse_doubles("class id", [each.id for each in classes])
        return classes

    @field_validator("tasks")
    @classmethod
    def _distinct_tasks(cls, tasks: list[Task]) -> list[Task]:
        _refuse_doubles("task id", [task.id for task in tasks])
        return tasks


def load_manifest(manifest: "str | Path | bytes | dict[str, Any] | Manifest") -> Manifest:
    """A list of tasks from its file, its bytes, its parsed content, or as it is.

    Args:
        manifest: path of `raymeta_tasks.json`, its bytes, the parsed object, or a `Manifest`.

    Raises:
        ManifestError: unreadable, or with faults: one line for each of them.
    """
    if isinstance(manifest, Manifest):
        return manifest
    name = MANIFEST_FILE
    if isinstance(manifest, (str, Path)):
        content = _read(Path(manifest))
    else:
        content = load_json(manifest, name) if isinstance(manifest, bytes) else manifest
    if not isinstance(content, dict):
        raise ManifestError(f"{name}: holds {shown(content)}, no object of tasks: give a raymeta_tasks.json")
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        faults = [f"{name}: {fault}" for fault in field_faults(error, "content")[:_SHOWN_FAULTS]]
        raise ManifestError("\n".join(faults)) from None
    except RecursionError:
        raise ManifestError(f"{name}: is nested too deeply") from None


def _read(path: Path) -> Any:
    try:
        path = path / MANIFEST_FILE if path.is_dir() else path
        return load_json(SourceFile(path.name, path.name, path).read(MAX_JSON_BYTES), path.name)
    except FileNotFoundError:
        raise ManifestError(f"{path}: there is no such file: give a raymeta_tasks.json") from None
    except (ExchangeError, OSError, ValueError) as error:
        raise ManifestError(f"{path}: can't be read as raymeta_tasks.json: {error}") from None


def _refuse_doubles(what: str, values: list[Any]) -> None:
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{what} {value!r} appears twice")
        seen.add(value)

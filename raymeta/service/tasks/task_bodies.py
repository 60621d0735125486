"""Bodies of requests about tasks, and the answer that one of them stands for."""

import base64
import binascii
import io
from typing import Annotated, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from raymeta.annotation.known_labels import middle
from raymeta.errors import InputError
from raymeta.exchange.rasterizer import NOBODY, paint
from raymeta.labels.answer_files import AnswerRecord, encode_labels, labels_sha256, now
from raymeta.labels.task_leases import MAX_LEASED
from raymeta.labels.task_sets import Task
from raymeta.schemas import IGNORE

VOID: Final = IGNORE - 1
"""In the raster of an answer: somebody drew void here."""
TOOL: Final = "raymeta page"
MAX_SHAPES: Final = 20_000
MAX_POINTS: Final = 1_000_000

Coordinate = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]
ClickKind = Annotated[str, StringConstraints(pattern="^[a-z_]{1,32}$")]
Seconds = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


class BodyError(InputError):
    """A body that can't be used; the message names the value and the remedy."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LeaseBody(_Body):
    """How many tasks somebody wants to hold in all."""

    count: int = Field(1, ge=1, le=MAX_LEASED, description="held already or new")
    set: str | None = Field(None, max_length=100, description="only tasks of this set")
    task: str | None = Field(None, max_length=300, description="this one task, an answered one too")


class RenewBody(_Body):
    """Which tasks somebody goes on holding."""

    tasks: list[str] = Field(max_length=1000)


class NothingBody(_Body):
    """Nothing is to be said."""


class SkipBody(_Body):
    """Why a task is passed on."""

    reason: Reason | None = None


class AcceptBody(_Body):
    """Which answer is to count."""

    answer_id: str = Field(max_length=100)
    seen: list[str] = Field(default=[], max_length=1000, description="ids of all answers that were looked at")
    reason: Reason | None = None


class ReturnBody(_Body):
    """Why a task is asked again."""

    reason: Annotated[Reason, Field(min_length=1)]


class ReopenBody(_Body):
    """Why a task is asked again."""

    reason: Reason | None = None


class DraftBody(_Body):
    """Whatever a page keeps of an unfinished answer."""

    draft: dict[str, JsonValue]


class ShapeBody(_Body):
    """One shape, in continuous corner coordinates of the stored image."""

    label: str = Field(max_length=1000, description="a class of the run, or void")
    rings: list[Annotated[list[tuple[Coordinate, Coordinate]], Field(min_length=3)]] = Field(
        min_length=1, description="outer ring and holes, or more of each: filled by the even-odd rule"
    )
    tool: Annotated[str, StringConstraints(max_length=40)] | None = None
    prelabel: Annotated[str, StringConstraints(max_length=100)] | None = Field(
        None, description="id of the predicted segment that it was"
    )
    mark: Literal["unchanged", "edited", "new"] | None = None


class AnswerBody(_Body):
    """An answer: a raster, or shapes, or that nothing can be told."""

    raster_png: str | None = Field(
        None,
        description="base64 of a PNG of the region's size: class ids, 254 for void, 255 for uncovered; grey of 8 bits, "
        "or RGB(A) with three equal channels and full alpha",
    )
    shapes: list[ShapeBody] = Field(
        default=[], max_length=MAX_SHAPES, description="in painting order; beside a raster only for the record"
    )
    undecidable: bool = Field(False, description="nothing can be told: all of it is void")
    uncovered: Literal["unknown", "void"] = Field("unknown", description="what pixels without a class are")
    clicks: dict[ClickKind, Annotated[int, Field(ge=0, le=10**9)]] | None = Field(
        None,
        max_length=64,
        description="that a person made, by kind: vertex, crossing, segment, class, mixed, confirm …",
    )
    active_seconds: Seconds | None = Field(None, description="time at work on this task")
    first_action_seconds: Seconds | None = Field(None, description="until the first of them")


def make_answer(
    body: AnswerBody, answer_id: str, task: Task, scale: float, class_names: tuple[str, ...]
) -> AnswerRecord:
    """The answer that a body stands for.

    Args:
        body: as sent.
        answer_id: in hexadecimal.
        task: that it answers.
        scale: pixels of the data set for each of the stored image.
        class_names: of the run.

    Raises:
        BodyError: a raster of another size or with other values, an unknown label, or nothing at all.
    """
    labels, uncovered = _label_map(body, task, scale, class_names)
    if task.point:
        labels, uncovered = np.full_like(labels, labels[middle(task.width)]), 0
    if task.segment is not None:
        uncovered = 0  # what isn't named has no class, and nothing lacks
    clicks = body.clicks
    count = (lambda *names: sum(clicks.get(name, 0) for name in names)) if clicks is not None else lambda *_: None
    return AnswerRecord(
        id=answer_id,
        task_id=task.id,
        time=now(),
        labels_sha256=labels_sha256(labels),
        png=encode_labels(labels),
        undecidable=body.undecidable,
        uncovered=0 if body.uncovered == "void" else uncovered,
        tool=TOOL,
        format="raymeta",
        human_polygon=count("vertex"),
        human_intersection=count("crossing"),
        human_class=count("class", "segment", "mixed"),
        human_confirm=count("confirm"),
        events=None if clicks is None else dict(clicks),
        first_action_seconds=body.first_action_seconds,
        seconds=body.active_seconds,
        seconds_source=None if body.active_seconds is None else "page_active",
        shapes=[shape.model_dump(mode="json") for shape in body.shapes],
    )


def void_value(class_names: tuple[str, ...]) -> int | None:
    """What stands for drawn void in a raster; None where it is a class."""
    return VOID if len(class_names) <= VOID else None


def _label_map(
    body: AnswerBody, task: Task, scale: float, class_names: tuple[str, ...]
) -> tuple[NDArray[np.uint8], int]:
    """(h, w) uint8 labels, 255 void or uncovered, and how many pixels are uncovered."""
    size = (task.height, task.width)
    if body.undecidable and (body.raster_png is not None or body.shapes):
        given = "shapes" if body.raster_png is None else "raster_png"
        raise BodyError(f"{task.id}: {given} beside undecidable, which makes all of it void: send one of the two")
    if body.undecidable:
        return np.full(size, IGNORE, np.uint8), 0
    if body.raster_png is not None:
        raster = _raster(body.raster_png, task)
        allowed = [*range(len(class_names)), IGNORE, *([VOID] if void_value(class_names) is not None else [])]
        strange = np.setdiff1d(raster, np.array(allowed, np.uint8))
        if strange.size:
            raise BodyError(
                f"{task.id}: the raster holds {', '.join(map(str, strange[:5]))}: it may hold class ids 0 to "
                f"{len(class_names) - 1}, {VOID} for void and {IGNORE} for uncovered"
            )
        uncovered = raster == IGNORE
        if void_value(class_names) is not None:
            raster = np.where(raster == VOID, np.uint8(IGNORE), raster)
    else:
        raster, uncovered = _painted(body.shapes, task, scale, class_names)
    if uncovered[middle(task.width)] if task.point else uncovered.all():
        raise BodyError(f"{task.id}: no shapes: not answered (mark it undecidable if nothing can be told)")
    return raster, int(np.count_nonzero(uncovered))


def _raster(encoded: str, task: Task) -> NDArray[np.uint8]:
    try:
        data = base64.b64decode(encoded, validate=True)
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if image.size != (task.width, task.height):
                width, height = image.size
                raise BodyError(
                    f"{task.id}: annotated at {width}×{height}, the region has {task.width}×{task.height}: send the "
                    "raster at the region's size, nothing was rescaled"
                )
            mode, values = image.mode, np.asarray(image)
    except BodyError:
        raise
    except Image.UnidentifiedImageError:
        raise BodyError(
            f"{task.id}: raster_png isn't base64 of a PNG: its bytes are another file, or damaged"
        ) from None
    except (binascii.Error, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BodyError(f"{task.id}: raster_png isn't base64 of a PNG: {str(error)[:200]}") from None
    if mode == "L":
        return values
    if mode not in ("RGB", "RGBA"):
        raise BodyError(f"{task.id}: the raster is a PNG of mode {mode}: send 8 bits grey, RGB or RGBA")
    equal = (values[..., 0] == values[..., 1]).all() and (values[..., 0] == values[..., 2]).all()
    if not equal or (mode == "RGBA" and (values[..., 3] != 255).any()):
        raise BodyError(f"{task.id}: the raster has colours or holes: send each value in R, G and B alike, alpha 255")
    return np.ascontiguousarray(values[..., 0])


def _painted(
    shapes: list[ShapeBody], task: Task, scale: float, class_names: tuple[str, ...]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Shapes painted over the region, and what they leave uncovered."""
    if sum(len(ring) for shape in shapes for ring in shape.rings) > MAX_POINTS:
        raise BodyError(f"{task.id}: more than {MAX_POINTS} points: send a raster")
    ids = {name: number for number, name in enumerate(class_names)} | {"void": IGNORE}
    unknown = sorted({shape.label for shape in shapes if shape.label not in ids})
    if unknown:
        raise BodyError(
            f"{task.id}: {unknown[0][:80]!r} is neither a class of the run ({', '.join(class_names)}) nor void"
        )
    owners = np.full((task.height, task.width), NOBODY, np.int32)
    covers = np.zeros(owners.shape, np.int32)
    corner = np.array([task.left, task.top], np.float64)
    for place, shape in enumerate(shapes):
        rings = [np.array(ring, np.float64) * scale - corner for ring in shape.rings]
        paint(owners, covers, rings, place)
    values = np.array([*(ids[shape.label] for shape in shapes), IGNORE], np.uint8)  # the last one: nobody, -1
    return values[owners], owners == NOBODY

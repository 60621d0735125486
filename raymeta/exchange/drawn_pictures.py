"""What every format says about one picture: its shapes in painting order, who drew them, and how long it took."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from raymeta.exchange.errors import ExchangeError, ShapeFault, printable
from raymeta.exchange.limits import (
    MAX_MASK_PIXELS,
    MAX_PICTURE_PIXELS,
    MAX_PICTURE_SIDE,
    MAX_POINTS,
    MAX_SHAPES,
)
from raymeta.exchange.rasterizer import Fill, Rule

_ABSURD: Final = 4
"""Times the pixels of its picture: no tool writes such a mask by mistake."""

Geometry = Literal["polygon", "rectangle", "ellipse", "mask", "point"]
Mark = Literal["unchanged", "edited", "new"]
Verdict = Literal["drawn", "skipped", "undecidable"]

BOX_LABEL: Final = "raymeta_box"
"""Label of the rectangle that shows people the box; never an answer."""
UNDECIDABLE: Final = "undecidable"
REST_IS_VOID: Final = "rest is void"
VOID_LABELS: Final = ("void", "unlabeled")
"""Labels that mean 'nothing to learn here', unless a class has such a name."""


@dataclass(frozen=True, eq=False)
class DrawnShape:
    """One shape as drawn, in corner coordinates of the picture that people saw.

    rings: each (N, 2) float64, x before y. shape_id: of the pre-annotation that it goes back to, where the tool keeps
    one. mark: what the tool says of changes. name: what messages call it. score: predicted IoU of a predicted shape.
    """

    label: str
    rings: tuple[NDArray[np.float64], ...]
    geometry: Geometry = "polygon"
    fill: Fill = "even-odd"
    rule: Rule = "corner"
    shape_id: str | None = None
    mark: Mark | None = None
    name: str = ""
    score: float | None = None

    @property
    def clicked(self) -> NDArray[np.float64] | None:
        """(N, 2) float64, the points that a person clicks to draw it; None for masks."""
        if self.geometry == "mask":
            return None
        if self.geometry in ("rectangle", "ellipse"):
            return self.rings[0][:: len(self.rings[0]) // 2]  # two ends that lie opposite each other
        return np.concatenate(self.rings)


@dataclass(frozen=True)
class DrawnPoint:
    """A point with a class, in corner coordinates of the picture: an answer where a point was asked, else nothing.

    name: what messages call it. shape_id: as of a `DrawnShape`.
    """

    label: str
    x: float
    y: float
    name: str
    shape_id: str | None = None


@dataclass(eq=False)
class DrawnPicture:
    """One annotation of one picture.

    name: as the file has it, with its ending. task_id: where the file carries it. height, width: as the file says;
    None where it doesn't. box: (left, top, right, bottom) of the rectangle that showed the box, if there is one.
    ordered: whether the format says which shape lies above. faults: why the answer can't be used. notes: what else is
    to be told. single_points: points with a class, in the order of the file.
    """

    name: str
    height: int | None = None
    width: int | None = None
    task_id: str | None = None
    shapes: list[DrawnShape] = field(default_factory=list)
    single_points: list[DrawnPoint] = field(default_factory=list)
    box: tuple[float, float, float, float] | None = None
    verdict: Verdict = "drawn"
    rest_is_void: bool = False
    ordered: bool = True
    tool: str | None = None
    version: str | None = None
    who: str | None = None
    started: str | None = None
    finished: str | None = None
    seconds: float | None = None
    seconds_source: str | None = None
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    points: int = 0
    mask_pixels: int = 0

    def add_point(self, point: DrawnPoint) -> None:
        """Add a point; raises ExchangeError where a picture has absurdly many."""
        self.single_points.append(point)
        if len(self.single_points) > MAX_SHAPES:
            raise ExchangeError(f"{printable(self.name)}: more than {MAX_SHAPES} points on one picture: split it")

    def add(self, shape: DrawnShape) -> None:
        """Add a shape above the others; raises ExchangeError where a picture has absurdly many."""
        self.shapes.append(shape)
        if len(self.shapes) > MAX_SHAPES:
            raise ExchangeError(f"{printable(self.name)}: more than {MAX_SHAPES} shapes on one picture: split it")
        if shape.geometry != "mask":
            self.points += sum(len(ring) for ring in shape.rings)
            if self.points > MAX_POINTS:
                raise ExchangeError(f"{printable(self.name)}: more than {MAX_POINTS} points on one picture: split it")

    def check_mask(self, height: int, width: int) -> None:
        """Raise ShapeFault for a mask larger than its picture, ExchangeError for an absurd one, not decoded yet."""
        if self.height is None or self.width is None:
            raise ShapeFault("is a mask on a picture whose size isn't given")
        if height > self.height or width > self.width or height < 0 or width < 0:
            what = f"mask of {width}×{height} px on a {self.width}×{self.height} picture"
            if height * width > _ABSURD * self.height * self.width:
                raise ExchangeError(f"{printable(self.name)}: {what}: the file isn't read; export it again")
            raise ShapeFault(f"is a {what}")
        self.mask_pixels += height * width
        if self.mask_pixels > MAX_MASK_PIXELS:
            raise ExchangeError(f"{printable(self.name)}: masks of more than {MAX_MASK_PIXELS} px together: not read")

    @contextmanager
    def shape(self, name: str) -> Iterator[None]:
        """Turn a ShapeFault inside into a fault of this picture that names the shape."""
        try:
            yield
        except ShapeFault as fault:
            self.faults.append(f"{name}: {fault}" if name else str(fault))
            if len(self.faults) > MAX_SHAPES:
                raise ExchangeError(f"{printable(self.name)}: more than {MAX_SHAPES} faults: not read") from None


def check_size(name: str, height: int, width: int) -> None:
    """Raise ExchangeError for a picture of an absurd size."""
    if not (1 <= height <= MAX_PICTURE_SIDE and 1 <= width <= MAX_PICTURE_SIDE) or height * width > MAX_PICTURE_PIXELS:
        raise ExchangeError(f"{name}: a picture of {width}×{height} px: not read; at most {MAX_PICTURE_PIXELS} px are")


def rectangle_ring(left: float, top: float, right: float, bottom: float) -> NDArray[np.float64]:
    """Ring of an upright rectangle, whichever of its corners are given; (4, 2) float64."""
    left, right, top, bottom = min(left, right), max(left, right), min(top, bottom), max(top, bottom)
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float64)


def rotated(ring: NDArray[np.float64], degrees: float, x: float, y: float) -> NDArray[np.float64]:
    """A ring turned about a point, clockwise on the screen; (N, 2) float64."""
    if degrees % 360 == 0:
        return ring
    angle = np.deg2rad(degrees % 360)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return (ring - [x, y]) @ turn + [x, y]


def ellipse_ring(x: float, y: float, radius_x: float, radius_y: float) -> NDArray[np.float64]:
    """An ellipse as a ring of 720 points: less than a hundred-thousandth of its radius from the true one."""
    angles = np.arange(720) * (np.pi / 360)
    return np.stack([x + radius_x * np.cos(angles), y + radius_y * np.sin(angles)], axis=1)


def bounds(rings: tuple[NDArray[np.float64], ...]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of all points of at least one ring."""
    points = np.concatenate(rings)
    left, top = points.min(axis=0)
    right, bottom = points.max(axis=0)
    return float(left), float(top), float(right), float(bottom)

"""Answers to one-click segments: right, another class, or mixed (docs/method.md#one-click-segments)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.annotation.events import EVENT_COLUMNS
from raymeta.boxes import Box, check_inside, pack_mask, unpack_mask
from raymeta.config import SegmentsConfig
from raymeta.schemas import IGNORE, LEFT, SEGMENT, SEGMENT_FIELDS, TOP, WIDTH

Origin = Literal["confirmed", "fixed", "point", "mixed", "drawn"]
ORIGINS: Final[tuple[Origin, ...]] = get_args(Origin)
"""Where a segment's labels come from. fixed: it got another class. point: it has several, and its innermost pixel's
class counts around that. mixed: no labels, as it has several classes, or only void. drawn: several classes, and then
the outlines of all in its tile."""
ORIGIN: Final = "origin"
ANSWERED_CLASS: Final = "answered_class"
LABELLED: Final = "labelled"
ORIGIN_WORDS: Final[dict[Origin, str]] = {
    "confirmed": "confirmed",
    "fixed": "given another class",
    "point": "mixed and named at a point",
    "mixed": "mixed or void",
    "drawn": "mixed and drawn",
}
CLICK_OF_ORIGIN: Final[dict[Origin, str]] = {
    "confirmed": EVENT_COLUMNS["confirm"],
    "fixed": EVENT_COLUMNS["reclass"],
    "point": EVENT_COLUMNS["prompt"],
    "mixed": EVENT_COLUMNS["reclass"],
    "drawn": EVENT_COLUMNS["reclass"],
}
"""The one click of an answer; drawing costs its own besides."""
ONE_CLICK_COLUMNS: Final = tuple(dict.fromkeys(CLICK_OF_ORIGIN.values()))
SEGMENT_ANSWER_FIELDS: Final = (
    *SEGMENT_FIELDS,
    pa.field(ANSWERED_CLASS, pa.int32()),
    pa.field(LABELLED, pa.binary()),
    pa.field(ORIGIN, pa.string()),
    *(pa.field(name, pa.int64()) for name in ONE_CLICK_COLUMNS),
)
"""Further columns of annotation.parquet with acquisition.unit segment. answered_class: null where the part is mixed.
labelled: mask of the pixels that have it now, as `segment`. Of the clicks one is 1: the answer's own."""


@dataclass(frozen=True)
class SegmentAnswer:
    """A segment that was asked. Its box is the tile; masks are those of `pack_mask`.

    asked: pixels that are not asked again. labelled: those that have a label now. class_id: theirs in a simulated run;
    255 where people's answers tell it, or nobody does.
    """

    top: int
    left: int
    width: int
    asked: bytes
    labelled: bytes
    class_id: int = IGNORE

    @property
    def box(self) -> Box:
        """The tile."""
        return Box(self.top, self.left, self.width)

    @property
    def labels_something(self) -> bool:
        """Whether a pixel has a label by it."""
        return bool(self.labelled.strip(b"\0"))

    def asked_mask(self) -> NDArray[np.bool_]:
        """(b, b) bool."""
        return unpack_mask(self.asked, self.width)

    def labelled_mask(self) -> NDArray[np.bool_]:
        """(b, b) bool."""
        return unpack_mask(self.labelled, self.width)


@dataclass(frozen=True)
class Told:
    """An answer to a segment.

    origin: of its labels. class_id: None where it has none, or several. labelled: (b, b) bool, pixels that get it.
    """

    origin: Origin
    class_id: int | None
    labelled: NDArray[np.bool_]


def answer_segment(
    labels: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    predicted_class: int,
    config: SegmentsConfig,
    point_width: int,
) -> Told:
    """What somebody says who sees the true labels.

    Args:
        labels: (b, b) uint8 of the tile, 255 void.
        mask: (b, b) bool, what is asked, at least one pixel.
        predicted_class: that is to be confirmed.
        config: how pure a part must be, and what follows where it isn't.
        point_width: of the square around the innermost pixel that its class labels.
    """
    counts = np.bincount(labels[mask & (labels != IGNORE)], minlength=1)
    found, total, nothing = int(counts.argmax()), int(counts.sum()), np.zeros_like(mask)
    if total and counts[found] >= config.purity * total:
        return Told("confirmed" if found == predicted_class else "fixed", found, mask)
    if not total or config.mixed == "skip":
        return Told("mixed", None, nothing)
    if config.mixed == "box":
        return Told("drawn", None, nothing)
    row, column = innermost_pixel(mask)
    class_id = int(labels[row, column])
    if class_id == IGNORE:
        return Told("mixed", None, nothing)
    return Told("point", class_id, point_mask(mask, point_width))


def innermost_pixel(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Row and column of the pixel that lies farthest inside: most steps to the next one that isn't in the mask.

    Steps go to the side or up and down, and lead out of the tile too. Among equal ones the nearest to the mask's mean
    counts, then the first row by row.

    mask: (b, b) bool, at least one pixel.
    """
    from scipy.ndimage import distance_transform_cdt

    steps = distance_transform_cdt(np.pad(mask, 1), metric="taxicab")[1:-1, 1:-1]
    places = np.argwhere(steps == steps.max())
    inside = np.argwhere(mask)
    away = ((len(inside) * places - inside.sum(axis=0)) ** 2).sum(axis=1)  # whole numbers: no rounding decides
    row, column = places[away.argmin()].tolist()
    return row, column


def point_mask(mask: NDArray[np.bool_], point_width: int) -> NDArray[np.bool_]:
    """(b, b) bool: what the class of the innermost pixel labels: the square around it, as far as the mask reaches.

    Args:
        mask: (b, b) bool, at least one pixel.
        point_width: w, pixels; the square begins ⌊w/2⌋ pixels above and to the left of the pixel.
    """
    row, column = innermost_pixel(mask)
    top, left = row - point_width // 2, column - point_width // 2
    square = np.zeros_like(mask)
    square[max(0, top) : top + point_width, max(0, left) : left + point_width] = True
    return square & mask


def told_by_labels(
    labels: NDArray[np.uint8], mask: NDArray[np.bool_], predicted_class: int, *, mixed: bool = False
) -> Told:
    """What people's labels of a tile say about the part that was asked: without any it is mixed.

    One class in some of its pixels is that of a point; several classes, or labels outside of the part, were drawn.

    Args:
        labels: (b, b) uint8, 255 where they gave none.
        mask: (b, b) bool, what was asked.
        predicted_class: that was to be confirmed.
        mixed: whether somebody said so: a point may label all of a small part.
    """
    labelled = labels != IGNORE
    classes = np.unique(labels[labelled]).tolist()
    if not classes:
        return Told("mixed", None, labelled)
    if len(classes) > 1 or (labelled & ~mask).any():
        return Told("drawn", None, labelled)
    if mixed or (mask & ~labelled).any():
        return Told("point", classes[0], labelled)
    return Told("confirmed" if classes[0] == predicted_class else "fixed", classes[0], labelled)


def segment_row(row: Mapping[str, Any], told: Told) -> dict[str, Any]:
    """SEGMENT_ANSWER_FIELDS of an answer; row: with SEGMENT_FIELDS."""
    return {
        **{field.name: row[field.name] for field in SEGMENT_FIELDS},
        ANSWERED_CLASS: told.class_id,
        LABELLED: pack_mask(told.labelled),
        ORIGIN: told.origin,
        **{name: int(name == CLICK_OF_ORIGIN[told.origin]) for name in ONE_CLICK_COLUMNS},
    }


def origin_counts(annotation: pa.Table) -> dict[str, int]:
    """How many answers of a table of them have each origin, in the order of ORIGINS; nothing without segments."""
    if ORIGIN not in annotation.column_names:
        return {}
    found = Counter(annotation[ORIGIN].to_pylist())
    return {origin: found[origin] for origin in ORIGINS if found[origin]}


def origins_text(counts: Mapping[str, int]) -> str:
    """`73 % confirmed, 15 % given another class, 12 % mixed or void`; empty without answers."""
    total = sum(counts.values())
    words = [(ORIGIN_WORDS[origin], counts.get(origin, 0)) for origin in ORIGINS]
    return ", ".join(f"{100 * count / total:.0f} % {text}" for text, count in words if count)


def segment_of_row(row: Mapping[str, Any]) -> SegmentAnswer:
    """The segment of a row of annotation.parquet; of query.parquet, as if all of it were labelled."""
    class_id = row.get(ANSWERED_CLASS)
    return SegmentAnswer(
        row[TOP],
        row[LEFT],
        row[WIDTH],
        row[SEGMENT],
        row.get(LABELLED, row[SEGMENT]),
        IGNORE if class_id is None else class_id,
    )


def with_segments(
    labels: NDArray[np.uint8], boxes: tuple[Box, ...], segments: tuple[SegmentAnswer, ...]
) -> NDArray[np.uint8]:
    """A copy of a label map in which segments have the classes that were answered.

    Args:
        labels: (H, W) uint8, 255 void.
        boxes: whose outlines were drawn: there the labels stay, but where they are void.
        segments: inside the image; later ones cover.

    Raises:
        ValueError: a tile reaches outside the image.
    """
    answered = labels.copy()
    for segment in segments:
        check_inside(segment.box, *labels.shape)
        answered[segment.box.slices][segment.labelled_mask()] = segment.class_id
    for box in boxes:
        drawn = labels[box.slices] != IGNORE
        answered[box.slices][drawn] = labels[box.slices][drawn]
    return answered

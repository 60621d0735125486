"""Answers to one-click segments: right, another class, or mixed (docs/method.md#one-click-segments)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.annotation.events import EVENT_COLUMNS
from raymeta.boxes import Box, check_inside, pack_mask, unpack_mask
from raymeta.schemas import IGNORE, LEFT, SEGMENT, SEGMENT_FIELDS, TOP, WIDTH

Origin = Literal["confirmed", "fixed", "mixed", "drawn"]
ORIGINS: Final[tuple[Origin, ...]] = ("confirmed", "fixed", "mixed", "drawn")
"""Where a segment's labels come from. fixed: it got another class. mixed: no labels, as it has several classes, or only
void. drawn: mixed, and then the outlines of all in its tile."""
ORIGIN: Final = "origin"
ANSWERED_CLASS: Final = "answered_class"
LABELLED: Final = "labelled"
CONFIRM_CLICKS: Final = EVENT_COLUMNS["confirm"]
RECLASS_CLICKS: Final = EVENT_COLUMNS["reclass"]
SEGMENT_ANSWER_FIELDS: Final = (
    *SEGMENT_FIELDS,
    pa.field(ANSWERED_CLASS, pa.int32()),
    pa.field(LABELLED, pa.binary()),
    pa.field(ORIGIN, pa.string()),
    pa.field(CONFIRM_CLICKS, pa.int64()),
    pa.field(RECLASS_CLICKS, pa.int64()),
)
"""Further columns of annotation.parquet with acquisition.unit segment. answered_class: null where the part is mixed.
labelled: mask of the pixels that have it now, as `segment`. The clicks are the answer's own, one of both."""


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

    def asked_mask(self) -> NDArray[np.bool_]:
        """(b, b) bool."""
        return unpack_mask(self.asked, self.width)

    def labelled_mask(self) -> NDArray[np.bool_]:
        """(b, b) bool."""
        return unpack_mask(self.labelled, self.width)


def answer_segment(
    labels: NDArray[np.uint8], mask: NDArray[np.bool_], predicted_class: int, purity: float
) -> tuple[Origin, int | None]:
    """What somebody says who sees the true labels.

    Args:
        labels: (b, b) uint8 of the tile, 255 void.
        mask: (b, b) bool, what is asked, at least one pixel.
        predicted_class: that is to be confirmed.
        purity: share of the mask's pixels of a class that one class has to cover, or the part is mixed.

    Returns:
        Where the answer's labels come from, and its class, None if it is mixed.
    """
    counts = np.bincount(labels[mask & (labels != IGNORE)], minlength=1)
    found, total = int(counts.argmax()), int(counts.sum())
    if not total or counts[found] < purity * total:
        return "mixed", None
    return ("confirmed" if found == predicted_class else "fixed"), found


def told_segment(labels: NDArray[np.uint8], mask: NDArray[np.bool_], predicted_class: int) -> tuple[Origin, int | None]:
    """What people's labels of a tile say about the part that was asked.

    Args:
        labels: (b, b) uint8, 255 where they gave none.
        mask: (b, b) bool, what was asked.
        predicted_class: that was to be confirmed.

    Returns:
        As `answer_segment`: without any label the part is mixed; drawn where there are several, or some outside of it.
    """
    classes = np.unique(labels[labels != IGNORE])
    if not len(classes):
        return "mixed", None
    if len(classes) > 1 or (labels[~mask] != IGNORE).any():
        return "drawn", None
    return ("confirmed" if classes[0] == predicted_class else "fixed"), int(classes[0])


def without_border(mask: NDArray[np.bool_], border: int) -> NDArray[np.bool_]:
    """A mask without the pixels that lie up to `border` pixels, also diagonally, from one that isn't in it.

    What lies outside the tile counts as in the mask. A part that is too thin to have an inside stays whole.

    mask: (b, b) bool.
    """
    if not border:
        return mask
    from scipy.ndimage import minimum_filter

    inner: NDArray[np.bool_] = minimum_filter(mask, 2 * border + 1, mode="constant", cval=True)
    return inner if inner.any() else mask


def segment_row(row: Mapping[str, Any], origin: Origin, class_id: int | None, border: int = 0) -> dict[str, Any]:
    """SEGMENT_ANSWER_FIELDS of an answer.

    Args:
        row: with SEGMENT_FIELDS and the width.
        origin: of the answer.
        class_id: None where it is mixed.
    """
    mask = unpack_mask(row[SEGMENT], row[WIDTH])
    labelled = np.zeros_like(mask) if class_id is None else without_border(mask, border)
    return {
        **{field.name: row[field.name] for field in SEGMENT_FIELDS},
        ANSWERED_CLASS: class_id,
        LABELLED: pack_mask(labelled),
        ORIGIN: origin,
        CONFIRM_CLICKS: int(origin == "confirmed"),
        RECLASS_CLICKS: int(origin != "confirmed"),
    }


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

"""Which pixels are labelled: the whole images of L0, and the boxes and segments that the oracle has answered."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.annotation.segment_answers import ANSWERED_CLASS, LABELLED, ORIGIN, SegmentAnswer, segment_of_row
from raymeta.boxes import Box, boxes_mask
from raymeta.schemas import IGNORE, IMAGE_ID, LEFT, SEGMENT, TOP, WIDTH

ROW: Final = (IMAGE_ID, TOP, LEFT, WIDTH, SEGMENT, ANSWERED_CLASS, LABELLED, ORIGIN)
"""Columns of a table of answers, or of a query, that tell its regions."""


@dataclass(frozen=True)
class LabelledRegions:
    """Labelled whole images, and labelled boxes or one-click segments of other images; nothing else is known.

    Definition: docs/method.md#labelled-regions.

    images: ids of wholly labelled images. boxes: boxes of each image that has some, in the order they were added.
    segments: likewise the segments that were answered, also those whose answer labels nothing.
    """

    images: frozenset[str] = frozenset()
    boxes: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)
    segments: Mapping[str, tuple[SegmentAnswer, ...]] = field(default_factory=dict)

    @classmethod
    def from_images(cls, image_ids: Iterable[str]) -> "LabelledRegions":
        """Only whole images: L0."""
        return cls(frozenset(image_ids))

    def with_boxes(self, table: pa.Table) -> "LabelledRegions":
        """These regions and those of a query or annotation table (QUERY_SCHEMA, ANNOTATION_SCHEMA).

        Where it has SEGMENT_FIELDS, its segments are added, and the tiles of those whose outlines were drawn.
        """
        added: dict[str, list[Box]] = {}
        segments: list[tuple[str, SegmentAnswer]] = []
        by_segment = SEGMENT in table.column_names
        for row in table.select([name for name in ROW if name in table.column_names]).to_pylist():
            if by_segment:
                segments.append((row[IMAGE_ID], segment_of_row(row)))
            if not by_segment or row.get(ORIGIN) == "drawn":
                added.setdefault(row[IMAGE_ID], []).append(Box(row[TOP], row[LEFT], row[WIDTH]))
        return replace(self, boxes=_merged(self.boxes, added)).with_segments(segments)

    def with_segments(self, segments: Iterable[tuple[str, SegmentAnswer]]) -> "LabelledRegions":
        """These regions and further segments, each with the id of its image."""
        added: dict[str, list[SegmentAnswer]] = {}
        for image_id, segment in segments:
            added.setdefault(image_id, []).append(segment)
        return replace(self, segments=_merged(self.segments, added)) if added else self

    def image_ids(self) -> list[str]:
        """Images with labels, sorted by their UTF-8 bytes; of one whose segments were all mixed nothing is known."""
        named = {image_id for image_id, found in self.segments.items() if any(each.labels_something for each in found)}
        return sorted(self.images | self.boxes.keys() | named, key=str.encode)

    def mask(self, image_id: str, height: int, width: int) -> NDArray[np.bool_]:
        """(H, W) bool, True where the image is labelled.

        Raises:
            ValueError: a box reaches outside the image.
        """
        return self._mask(image_id, height, width, SegmentAnswer.labelled_mask)

    def asked_mask(self, image_id: str, height: int, width: int) -> NDArray[np.bool_]:
        """(H, W) bool, True where the image is labelled or was asked without getting a label.

        Raises:
            ValueError: a box reaches outside the image.
        """
        return self._mask(image_id, height, width, SegmentAnswer.asked_mask)

    def _mask(
        self, image_id: str, height: int, width: int, of_segment: Callable[[SegmentAnswer], NDArray[np.bool_]]
    ) -> NDArray[np.bool_]:
        if image_id in self.images:
            return np.ones((height, width), dtype=bool)
        boxes, segments = self.boxes.get(image_id, ()), self.segments.get(image_id, ())
        for box in (*boxes, *(segment.box for segment in segments)):
            if not box.fits(height, width):
                raise ValueError(
                    f"{image_id}: {box} reaches outside the image of {height}×{width} pixels: "
                    "read the data set at the size at which the box was queried"
                )
        mask = boxes_mask(list(boxes), height, width)
        for segment in segments:
            mask[segment.box.slices] |= of_segment(segment)
        return mask

    def apply(self, label_map: NDArray[np.uint8], image_id: str) -> NDArray[np.uint8]:
        """A copy of the label map, 255 outside the labelled regions.

        label_map: (H, W) uint8.

        Raises:
            ValueError: a box reaches outside the image.
        """
        height, width = label_map.shape
        return np.where(self.mask(image_id, height, width), label_map, np.uint8(IGNORE))

    def labelled_pixels(self, image_id: str, height: int, width: int) -> int:
        """Pixels of the image that are labelled; pixels in several boxes count once."""
        if image_id in self.images:
            return height * width
        if image_id not in self.boxes and image_id not in self.segments:
            return 0
        return int(np.count_nonzero(self.mask(image_id, height, width)))

    def extent(self, image_id: str) -> tuple[int, int]:
        """Height and width in pixels that hold all boxes and segments of an image; 0 where it has none."""
        boxes = (*self.boxes.get(image_id, ()), *(segment.box for segment in self.segments.get(image_id, ())))
        return max((box.bottom for box in boxes), default=0), max((box.right for box in boxes), default=0)


Kind = TypeVar("Kind")


def _merged(known: Mapping[str, tuple[Kind, ...]], added: Mapping[str, Sequence[Kind]]) -> dict[str, tuple[Kind, ...]]:
    """Those of each image, in the order in which they came, each once."""
    merged: dict[str, tuple[Kind, ...]] = dict(known)
    for image_id, values in added.items():
        merged[image_id] = tuple(dict.fromkeys((*merged.get(image_id, ()), *values)))
    return merged

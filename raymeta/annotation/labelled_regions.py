"""Which pixels are labelled: the whole images of L0 and the boxes that the oracle has answered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.boxes import Box, boxes_mask
from raymeta.schemas import IGNORE, IMAGE_ID, LEFT, TOP, WIDTH


@dataclass(frozen=True)
class LabelledRegions:
    """Labelled whole images, and labelled boxes of other images; nothing else is known.

    Definition: docs/method.md#labelled-regions.

    images: ids of wholly labelled images. boxes: boxes of each image that has some, in the order they were added.
    """

    images: frozenset[str] = frozenset()
    boxes: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)

    @classmethod
    def from_images(cls, image_ids: Iterable[str]) -> "LabelledRegions":
        """Only whole images: L0."""
        return cls(frozenset(image_ids))

    def with_boxes(self, table: pa.Table) -> "LabelledRegions":
        """These regions and the boxes of a query or annotation table (QUERY_SCHEMA, ANNOTATION_SCHEMA)."""
        added: dict[str, list[Box]] = {}
        columns = [table[name].to_pylist() for name in (IMAGE_ID, TOP, LEFT, WIDTH)]
        for image_id, top, left, width in zip(*columns, strict=True):
            added.setdefault(image_id, []).append(Box(top, left, width))
        merged = dict(self.boxes)
        for image_id, boxes in added.items():
            merged[image_id] = tuple(dict.fromkeys((*merged.get(image_id, ()), *boxes)))
        return LabelledRegions(self.images, merged)

    def image_ids(self) -> list[str]:
        """Images with at least one labelled pixel, sorted by their UTF-8 bytes."""
        return sorted(self.images | self.boxes.keys(), key=str.encode)

    def mask(self, image_id: str, height: int, width: int) -> NDArray[np.bool_]:
        """(H, W) bool, True where the image is labelled.

        Raises:
            ValueError: a box reaches outside the image.
        """
        if image_id in self.images:
            return np.ones((height, width), dtype=bool)
        boxes = self.boxes.get(image_id, ())
        for box in boxes:
            if not box.fits(height, width):
                raise ValueError(
                    f"{image_id}: {box} reaches outside the image of {height}×{width} pixels: "
                    "read the data set at the size at which the box was queried"
                )
        return boxes_mask(list(boxes), height, width)

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
        if image_id not in self.boxes:
            return 0
        return int(np.count_nonzero(self.mask(image_id, height, width)))

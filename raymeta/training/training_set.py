"""The labelled examples of one iteration, decoded once and kept in memory."""

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.boxes import Box
from raymeta.datasets.sample import Dataset

Example = tuple[NDArray[np.uint8], NDArray[np.uint8]]

READ_ERRORS = (OSError, ValueError)
"""What an unreadable image or label map raises."""


class ExampleCache:
    """Decoded images with their label maps, kept up to a number of bytes; what doesn't fit is decoded again.

    Threads may read at once; nobody may write to the arrays.
    """

    def __init__(self, dataset: Dataset, max_bytes: int = 8 << 30) -> None:
        self.dataset = dataset
        self.max_bytes = max_bytes
        self._examples: dict[str, Example] = {}
        self._masked: dict[str, tuple[tuple[Box, ...], NDArray[np.uint8]]] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def __call__(self, image_id: str) -> Example:
        """(H, W, 3) uint8 RGB and (H, W) uint8 class ids of an image."""
        example = self._examples.get(image_id)
        if example is None:
            example = (self.dataset.image(image_id), self.dataset.label_map(image_id))
            if self._has_room(example[0].nbytes + example[1].nbytes):
                self._examples[image_id] = example
        return example

    def labelled(self, image_id: str, regions: LabelledRegions) -> Example:
        """As a call, with labels of 255 outside the labelled regions; kept until the image's regions change."""
        image, labels = self(image_id)
        if image_id in regions.images:
            return image, labels
        boxes = regions.boxes.get(image_id, ())
        known = self._masked.get(image_id)
        if known is not None and known[0] == boxes:
            return image, known[1]
        masked = regions.apply(labels, image_id)
        if known is not None or self._has_room(masked.nbytes):
            self._masked[image_id] = (boxes, masked)
        return image, masked

    def _has_room(self, size: int) -> bool:
        """Take `size` bytes, if that many are left."""
        with self._lock:
            fits = self._bytes + size <= self.max_bytes
            self._bytes += size * fits
            return fits

    def readable(self, image_ids: Sequence[str]) -> tuple[list[str], dict[str, str]]:
        """Split ids into those that can be read and those that can't, with the reason."""
        good: list[str] = []
        faults: dict[str, str] = {}
        for image_id in image_ids:
            try:
                self(image_id)
            except READ_ERRORS as error:
                faults[image_id] = str(error)
            else:
                good.append(image_id)
        return good, faults


class LabelledExamples:
    """Training data of one iteration: labels outside the labelled regions are ignored.

    Definition: docs/method.md#training-labels.

    `faults` holds the images that could not be read, with the reason; they are left out.
    """

    def __init__(self, cache: ExampleCache, regions: LabelledRegions, validation_ids: Sequence[str]) -> None:
        self.cache = cache
        self.regions = regions
        self.train_ids, train_faults = cache.readable(regions.image_ids())
        self.validation_ids, validation_faults = cache.readable(validation_ids)
        self.faults = train_faults | validation_faults

    @property
    def num_train(self) -> int:
        """Images with at least one labelled pixel."""
        return len(self.train_ids)

    @property
    def num_validation(self) -> int:
        """Validation images."""
        return len(self.validation_ids)

    def train_example(self, index: int) -> Example:
        """(H, W, 3) uint8 RGB and (H, W) uint8 labels, 255 outside the labelled regions."""
        return self.cache.labelled(self.train_ids[index], self.regions)

    def validation_example(self, index: int) -> Example:
        """(H, W, 3) uint8 RGB and (H, W) uint8 labels."""
        return self.cache(self.validation_ids[index])

"""The labelled examples of one iteration, decoded once and kept in memory."""

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from raymeta.annotation.known_labels import ImageLabels, KnownLabels
from raymeta.datasets.sample import Dataset

Example = tuple[NDArray[np.uint8], NDArray[np.uint8]]

READ_ERRORS = (OSError, ValueError)
"""What an unreadable image or label map raises."""


class ExampleCache:
    """Decoded images and their known labels, kept up to a number of bytes; what doesn't fit is decoded again.

    Threads may read at once; nobody may write to the arrays.
    """

    def __init__(self, dataset: Dataset, max_bytes: int = 8 << 30) -> None:
        self.dataset = dataset
        self.max_bytes = max_bytes
        self._images: dict[str, NDArray[np.uint8]] = {}
        self._labels: dict[str, tuple[ImageLabels, NDArray[np.uint8]]] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def image(self, image_id: str) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB of an image."""
        image = self._images.get(image_id)
        if image is None:
            image = self.dataset.image(image_id)
            if self._has_room(image.nbytes):
                self._images[image_id] = image
        return image

    def example(self, image_id: str, known: KnownLabels) -> Example:
        """An image and its (H, W) uint8 labels, 255 where nobody answered; kept until they change."""
        image, wanted = self.image(image_id), known.of(image_id)
        kept = self._labels.get(image_id)
        if kept is not None and kept[0] == wanted:
            return image, kept[1]
        labels = wanted.read(image_id, (image.shape[0], image.shape[1]), self.dataset)
        if kept is not None or self._has_room(labels.nbytes):
            self._labels[image_id] = (wanted, labels)
        return image, labels

    def _has_room(self, size: int) -> bool:
        """Take `size` bytes, if that many are left."""
        with self._lock:
            fits = self._bytes + size <= self.max_bytes
            self._bytes += size * fits
            return fits

    def readable(self, image_ids: Sequence[str], known: KnownLabels) -> tuple[list[str], dict[str, str]]:
        """Split ids into those that can be read and those that can't, with the reason."""
        good: list[str] = []
        faults: dict[str, str] = {}
        for image_id in image_ids:
            try:
                self.example(image_id, known)
            except READ_ERRORS as error:
                faults[image_id] = str(error)
            else:
                good.append(image_id)
        return good, faults


class LabelledExamples:
    """Training data of one iteration: pixels that nobody labelled are ignored.

    Definition: docs/method.md#training-labels.

    `faults` holds the images that could not be read, with the reason; they are left out.
    """

    def __init__(self, cache: ExampleCache, known: KnownLabels, validation_ids: Sequence[str]) -> None:
        self.cache = cache
        self.known = known
        self.train_ids, train_faults = cache.readable(known.regions.image_ids(), known)
        self.validation_ids, validation_faults = cache.readable(validation_ids, known)
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
        """(H, W, 3) uint8 RGB and (H, W) uint8 labels, 255 where nobody answered."""
        return self.cache.example(self.train_ids[index], self.known)

    def validation_example(self, index: int) -> Example:
        """(H, W, 3) uint8 RGB and (H, W) uint8 labels."""
        return self.cache.example(self.validation_ids[index], self.known)

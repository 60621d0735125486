"""The labelled examples of one iteration, decoded once and kept in memory."""

import contextlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from raymeta.annotation.known_labels import ImageLabels, KnownLabels
from raymeta.config import TrainingConfig
from raymeta.datasets.sample import Dataset
from raymeta.training.communicator import Communicator, SingleProcess

Example = tuple[NDArray[np.uint8], NDArray[np.uint8]]

CONTAINER_LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)

READ_ERRORS = (OSError, ValueError)
"""What an unreadable image or label map raises."""


class ExampleCache:
    """Decoded images and their known labels, kept up to a number of bytes; what doesn't fit is decoded again.

    Threads may read at once; nobody may write to the arrays.
    """

    def __init__(self, dataset: Dataset, max_bytes: int) -> None:
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

    def unreadable(self, image_ids: Sequence[str], known: KnownLabels) -> dict[str, str]:
        """The images that can't be read, or whose labels can't, with the reason."""
        faults: dict[str, str] = {}
        for image_id in image_ids:
            try:
                self.example(image_id, known)
            except READ_ERRORS as error:
                faults[image_id] = str(error)
        return faults


def cache_bytes(config: TrainingConfig) -> int:
    """Bytes that a worker's cache may fill: `cache_gib`, but half of the machine's memory for all its workers."""
    return min(int(config.cache_gib * 2**30), memory_bytes() // 2 // config.workers)


def memory_bytes() -> int:
    """Main memory that this process may use: the machine's, or less where its container allows less."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in CONTAINER_LIMITS:
        with contextlib.suppress(OSError, ValueError):  # no container, or "max"
            limits.append(int(path.read_text()))
    return min(limits)


class LabelledExamples:
    """Training data of one iteration: pixels that nobody labelled are ignored.

    Definition: docs/method.md#training-labels.

    `train_faults` and `validation_faults` hold the images that could not be read, with the reason; they are left out.
    An image that one rank can't read is left out by all: each sees the data through its own machine.
    """

    def __init__(
        self,
        cache: ExampleCache,
        known: KnownLabels,
        validation_ids: Sequence[str],
        communicator: Communicator | None = None,
    ) -> None:
        self.cache = cache
        self.known = known
        train_ids, ranks = known.regions.image_ids(), communicator or SingleProcess()
        self.train_faults = _faults_of_all_ranks(cache, train_ids, known, ranks)
        self.validation_faults = _faults_of_all_ranks(cache, validation_ids, known, ranks)
        self.train_ids = [i for i in train_ids if i not in self.train_faults]
        self.validation_ids = [i for i in validation_ids if i not in self.validation_faults]

    @property
    def faults(self) -> dict[str, str]:
        """All images that could not be read, with the reason."""
        return self.train_faults | self.validation_faults

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

    def unlabelled(self, index: int) -> NDArray[np.bool_]:
        """(H, W) bool, where nobody labelled a training image; what was labelled as void is not among it."""
        image_id = self.train_ids[index]
        return ~self.known.regions.mask(image_id, *self.cache.image(image_id).shape[:2])


def _faults_of_all_ranks(
    cache: ExampleCache, image_ids: Sequence[str], known: KnownLabels, ranks: Communicator
) -> dict[str, str]:
    """What this or another rank can't read: the same images on every rank."""
    own = cache.unreadable(image_ids, known)
    failed = ranks.sum_array(np.array([image_id in own for image_id in image_ids], dtype=np.int64))
    return {
        image_id: own.get(image_id, "another training worker can't read it")
        for image_id, count in zip(image_ids, failed, strict=True)
        if count
    }

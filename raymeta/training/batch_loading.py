"""The tensors of a rank's batches, made ahead of the step that needs them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from raymeta.schemas import IGNORE
from raymeta.training.prefetching import prefetch
from raymeta.training.random_crops import Example, cut_crop
from raymeta.training.training_batches import Batch, Share, TrainingData, checked_example

Part = tuple[Tensor, Tensor]
"""(N, H, W, 3) uint8 RGB images and (N, H, W) labels."""


@dataclass(frozen=True)
class LoadedBatch:
    """A rank's share of a batch in main memory, pinned where it goes to a GPU.

    parts: what is computed at once; labels are int64 where they stay, uint8 where they travel. own_pixels: labelled
    pixels of this share. labelled_pixels: those of the batch over all ranks, where they were planned.
    """

    parts: tuple[Part, ...]
    own_pixels: int
    labelled_pixels: int | None


class BatchLoader:
    """Reads, crops, mirrors and stacks examples in threads, in an order that the threads don't change."""

    def __init__(
        self, data: TrainingData, num_classes: int, part_size: int, device: torch.device, threads: int
    ) -> None:
        """part_size: examples of a part. threads: used for a GPU; beside training on a CPU it is one."""
        self._data = data
        self._num_classes = num_classes
        self._part_size = part_size
        self._device = device
        self._threads = threads if device.type == "cuda" else 1
        self._checked: set[int] = set()

    def load(self, batches: Sequence[Batch]) -> Iterator[LoadedBatch]:
        """The batches one after the other.

        Raises:
            ValueError: labels of a cropped image that are no class; those of whole images were checked when planned.
        """
        return prefetch((partial(self.load_batch, batch) for batch in batches), self._threads)

    def load_batch(self, batch: Batch) -> LoadedBatch:
        """One batch, in this thread; errors as for `load`."""
        examples = [self._load(share) for share in batch.shares]
        size = self._part_size
        parts = tuple(self._stack(examples[start : start + size]) for start in range(0, len(examples), size))
        pixels = sum(int(np.count_nonzero(labels != IGNORE)) for _, labels in examples)
        return LoadedBatch(parts, pixels, batch.labelled_pixels)

    def _load(self, share: Share) -> Example:
        """Image and labels, cropped and mirrored."""
        if share.crop is None or share.index in self._checked:
            image, labels = self._data.train_example(share.index)
        else:
            image, labels = checked_example(self._data, share.index, self._num_classes)
            self._checked.add(share.index)
        if share.crop is not None:
            image, labels = cut_crop(image, labels, share.crop)
        if not share.counts:
            labels = np.full_like(labels, IGNORE)
        return (image[:, ::-1], labels[:, ::-1]) if share.flip else (image, labels)

    def _stack(self, examples: Sequence[Example]) -> Part:
        images = np.stack([image for image, _ in examples])
        labels = np.stack([label_map for _, label_map in examples])
        if self._device.type == "cuda":  # from pinned memory the copy runs beside the computation
            return torch.from_numpy(images).pin_memory(), torch.from_numpy(labels).pin_memory()
        return torch.from_numpy(images), torch.from_numpy(labels.astype(np.int64))


def to_device(part: Part, device: torch.device) -> Part:
    """A loaded part on its device, labels int64."""
    images, labels = part
    return images.to(device, non_blocking=True), labels.to(device, non_blocking=True).long()

"""The tensors of a rank's batches, made ahead of the step that needs them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raymeta.networks.segmentation_network import Encoded
from raymeta.schemas import IGNORE
from raymeta.training.feature_crops import CellPlaces, cut_features
from raymeta.training.prefetching import prefetch
from raymeta.training.random_crops import cut_crop
from raymeta.training.training_batches import (
    Batch,
    FeatureSource,
    Share,
    TrainingData,
    checked_example,
    every_pixel,
)

Part = tuple[Tensor | Encoded, Tensor]
"""(N, H, W, 3) uint8 RGB images, or what a frozen encoder made of them, and (N, h, w) labels that the loss looks at."""


LoadedExample = tuple[NDArray[np.uint8] | Encoded, NDArray[np.uint8]]


@dataclass(frozen=True)
class LoadedBatch:
    """A rank's share of a batch in main memory, pinned where it goes to a GPU.

    parts: what is computed at once; labels are int64 where they stay, uint8 where they travel. own_pixels: labelled
    pixels of this share, by the weight of their classes and examples. labelled_pixels: those of the batch over all
    ranks, where they were planned.
    """

    parts: tuple[Part, ...]
    own_pixels: float
    labelled_pixels: float | None


class BatchLoader:
    """Reads, crops, mirrors and stacks examples in threads, in an order that the threads don't change."""

    def __init__(
        self,
        data: TrainingData,
        num_classes: int,
        part_size: int,
        device: torch.device,
        threads: int,
        *,
        loss_stride: int = 1,
        class_weights: NDArray[np.float32] | None = None,
        example_balance: float = 0.0,
        features: FeatureSource | None = None,
        cell_places: CellPlaces | None = None,
    ) -> None:
        """part_size: examples of a part. threads: used for a GPU; beside training on a CPU it is one.

        loss_stride: labels are given at every so many rows and columns. class_weights: (C,), of a labelled pixel; None:
        1. example_balance: see `summed_cross_entropy`. features: of a frozen encoder, given instead of images.
        cell_places: of its network; crops are cut from them.
        """
        self._data = data
        self._num_classes = num_classes
        self._part_size = part_size
        self._device = device
        self._threads = threads if device.type == "cuda" else 1
        self._checked: set[int] = set()
        self._loss_stride = loss_stride
        self._class_weights = class_weights
        self._example_balance = example_balance
        self._features = features
        self._cell_places = cell_places

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
        return LoadedBatch(parts, sum(self._pixels(labels) for _, labels in examples), batch.labelled_pixels)

    def _pixels(self, labels: NDArray[np.uint8]) -> float:
        """Labelled pixels, of their classes' and their example's weight."""
        counted = labels[labels != IGNORE]
        pixels = (
            len(counted) if self._class_weights is None else float(self._class_weights[counted].sum(dtype=np.float64))
        )
        return pixels * float(max(1, len(counted)) ** -self._example_balance)

    def _load(self, share: Share) -> LoadedExample:
        """Image or features, and labels, cropped and mirrored."""
        if share.crop is None or share.index in self._checked:
            image, labels = self._data.train_example(share.index)
        else:
            image, labels = checked_example(self._data, share.index, self._num_classes)
            self._checked.add(share.index)
        if not share.counts:
            labels = np.full_like(labels, IGNORE)
        if self._features is not None:
            features = self._features.train_features(share.index, share.flip)
            labels = labels[:, ::-1] if share.flip else labels
            if share.crop is not None and self._cell_places is not None:
                return cut_features(features, labels, share.crop, self._cell_places)
            return features, every_pixel(labels, self._loss_stride)
        if share.crop is not None:
            image, labels = cut_crop(image, labels, share.crop)
        labels = every_pixel(labels[:, ::-1] if share.flip else labels, self._loss_stride)
        return (image[:, ::-1] if share.flip else image), labels

    def _stack(self, examples: Sequence[LoadedExample]) -> Part:
        labels = np.stack([label_map for _, label_map in examples])
        inputs = _stacked([image for image, _ in examples], self._loss_stride)
        if self._device.type == "cuda":  # from pinned memory the copy runs beside the computation
            return inputs.pin_memory(), torch.from_numpy(labels).pin_memory()
        return inputs, torch.from_numpy(labels.astype(np.int64))


def _stacked(inputs: Sequence[NDArray[np.uint8] | Encoded], loss_stride: int) -> Tensor | Encoded:
    """Images or features of a part as one batch."""
    encoded = [image for image in inputs if isinstance(image, Encoded)]
    if not encoded:
        return torch.from_numpy(np.stack([np.asarray(image) for image in inputs]))
    features = tuple(torch.cat(level) for level in zip(*(image.features for image in encoded), strict=True))
    return replace(encoded[0], features=features, stride=loss_stride)


def to_device(part: Part, device: torch.device) -> Part:
    """A loaded part on its device, labels int64."""
    inputs, labels = part
    moved = inputs.to(device) if isinstance(inputs, Encoded) else inputs.to(device, non_blocking=True)
    return moved, labels.to(device, non_blocking=True).long()

"""The tensors of a rank's batches, made ahead of the step that needs them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raymeta.networks.segmentation_network import Encoded
from raymeta.schemas import IGNORE
from raymeta.training.feature_crops import CellPlaces, cut_features
from raymeta.training.prefetching import prefetch
from raymeta.training.random_crops import cut_crop, cut_labels
from raymeta.training.training_batches import (
    Batch,
    FeatureSource,
    Share,
    TrainingData,
    checked_example,
    every_pixel,
)


class Part(NamedTuple):
    """What is computed at once.

    inputs: (N, H, W, 3) uint8 RGB images, or what a frozen encoder made of them. labels: (N, h, w), what the loss looks
    at; int64 where they stay, uint8 where they travel. unlabelled: (N, h, w) bool, None unless it is asked for.
    """

    inputs: Tensor | Encoded
    labels: Tensor
    unlabelled: Tensor | None = None


class LoadedExample(NamedTuple):
    """An example of a `Part`; closed: (h, w) uint8, 0 where nobody labelled, 255 elsewhere and beyond the image."""

    image: NDArray[np.uint8] | Encoded
    labels: NDArray[np.uint8]
    closed: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class LoadedBatch:
    """A rank's share of a batch in main memory, pinned where it goes to a GPU.

    own_pixels: labelled pixels of this share, by the weight of their classes and examples. labelled_pixels: those of
    the batch over all ranks, where they were planned.
    """

    parts: tuple[Part, ...]
    own_pixels: float
    labelled_pixels: float | None

    def without_unlabelled(self) -> "LoadedBatch":
        """The same for a step that labels alone teach."""
        return replace(self, parts=tuple(part._replace(unlabelled=None) for part in self.parts))


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
        with_unlabelled: bool = False,
    ) -> None:
        """part_size: examples of a part, all of one size. threads: used for a GPU; beside training on a CPU one.

        loss_stride: labels are given at every so many rows and columns. class_weights: (C,), of a labelled pixel; None:
        1. example_balance: see `summed_cross_entropy`. features: of a frozen encoder, given instead of images.
        cell_places: of its network; crops are cut from them. with_unlabelled: parts tell what nobody labelled.
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
        self._with_unlabelled = with_unlabelled

    def load(self, batches: Sequence[Batch]) -> Iterator[LoadedBatch]:
        """The batches one after the other.

        Raises:
            ValueError: labels of a cropped image that are no class; those of whole images were checked when planned.
        """
        return prefetch((partial(self.load_batch, batch) for batch in batches), self._threads)

    def load_batch(self, batch: Batch) -> LoadedBatch:
        """One batch, in this thread; errors as for `load`."""
        examples = [self._load(share) for share in batch.shares]
        step = self._part_size
        parts = tuple(
            self._stack(alike[start : start + step])
            for alike in _by_size(examples)
            for start in range(0, len(alike), step)
        )
        return LoadedBatch(parts, sum(self._pixels(each.labels) for each in examples), batch.labelled_pixels)

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
        closed = self._closed(share)
        if not share.counts:
            labels = np.full_like(labels, IGNORE)
        maps = [labels] if closed is None else [labels, closed]
        if self._features is not None:
            features = self._features.train_features(share.index, share.flip)
            maps = [each[:, ::-1] if share.flip else each for each in maps]
            if share.crop is not None and self._cell_places is not None:
                return LoadedExample(*cut_features(features, maps[0], share.crop, self._cell_places, *maps[1:]))
            return LoadedExample(features, *(every_pixel(each, self._loss_stride) for each in maps))
        if share.crop is not None:
            image, _ = cut_crop(image, labels, share.crop)
            maps = [cut_labels(each, share.crop) for each in maps]
        maps = [every_pixel(each[:, ::-1] if share.flip else each, self._loss_stride) for each in maps]
        return LoadedExample(image[:, ::-1] if share.flip else image, *maps)

    def _closed(self, share: Share) -> NDArray[np.uint8] | None:
        """(H, W) uint8, see `LoadedExample`; None where nobody asks."""
        if not self._with_unlabelled:
            return None
        unlabelled = self._data.unlabelled(share.index) & share.counts
        return np.where(unlabelled, np.uint8(0), np.uint8(IGNORE))

    def _stack(self, examples: Sequence[LoadedExample]) -> Part:
        labels = torch.from_numpy(np.stack([each.labels for each in examples]))
        inputs = _stacked([each.image for each in examples], self._loss_stride)
        closed = [each.closed for each in examples if each.closed is not None]
        unlabelled = torch.from_numpy(np.stack(closed) == 0) if closed else None
        if self._device.type == "cuda":  # from pinned memory the copy runs beside the computation
            pinned = None if unlabelled is None else unlabelled.pin_memory()
            return Part(inputs.pin_memory(), labels.pin_memory(), pinned)
        return Part(inputs, labels.long(), unlabelled)


def _by_size(examples: Sequence[LoadedExample]) -> list[list[LoadedExample]]:
    """Examples that can be stacked, together; in the order in which their sizes come first."""
    found: dict[tuple[tuple[int, ...], ...], list[LoadedExample]] = {}
    for each in examples:
        levels = each.image.features if isinstance(each.image, Encoded) else (each.image,)
        found.setdefault((each.labels.shape, *(tuple(level.shape) for level in levels)), []).append(each)
    return list(found.values())


def _stacked(inputs: Sequence[NDArray[np.uint8] | Encoded], loss_stride: int) -> Tensor | Encoded:
    """Images or features of a part as one batch."""
    encoded = [image for image in inputs if isinstance(image, Encoded)]
    if not encoded:
        return torch.from_numpy(np.stack([np.asarray(image) for image in inputs]))
    features = tuple(torch.cat(level) for level in zip(*(image.features for image in encoded), strict=True))
    return replace(encoded[0], features=features, stride=loss_stride)


def to_device(part: Part, device: torch.device) -> Part:
    """A loaded part on its device, labels int64."""
    inputs, labels, unlabelled = part
    moved = inputs.to(device) if isinstance(inputs, Encoded) else inputs.to(device, non_blocking=True)
    return Part(
        moved,
        labels.to(device, non_blocking=True).long(),
        None if unlabelled is None else unlabelled.to(device, non_blocking=True),
    )

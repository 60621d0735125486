"""Validation of a network: one rank's share of the images, checked and moved once."""

from collections.abc import Iterator
from functools import partial
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raymeta.errors import InputError
from raymeta.networks.evaluation import check_labels, count_confusion
from raymeta.networks.inference import finite_pixels, predict_logits
from raymeta.networks.segmentation_network import Encoded, SegmentationNetwork
from raymeta.training.communicator import Communicator
from raymeta.training.prefetching import prefetch
from raymeta.training.training_batches import FeatureSource, TrainingData

DEVICE_SHARE: Final = 0.1
"""Of a GPU's free memory, that validation images may fill; training needs the rest."""

Example = tuple[Tensor | Encoded, Tensor]
"""(1, H, W, 3) uint8 RGB image, or what a frozen encoder made of it, and its (1, H, W) uint8 labels."""


class TrainingDivergedError(InputError):
    """Loss or logits became infinite or nan, so that no network is worth keeping."""


class Validation:
    """The validation images of a rank; on a GPU they stay there from the first epoch on, as far as they fit."""

    def __init__(
        self,
        data: TrainingData,
        num_classes: int,
        device: torch.device,
        communicator: Communicator,
        threads: int,
        features: FeatureSource | None = None,
    ) -> None:
        """threads: decode ahead for a GPU; beside a CPU it is one. features: of a frozen encoder, used for images."""
        self._data = data
        self._num_classes = num_classes
        self._device = device
        self._communicator = communicator
        self._threads = threads if device.type == "cuda" else 1
        self._features = features
        self._kept: dict[int, Example] = {}
        self._checked: set[int] = set()
        self._room = int(DEVICE_SHARE * torch.cuda.mem_get_info(device)[0]) if device.type == "cuda" else 0

    def confusion(self, network: SegmentationNetwork) -> NDArray[np.int64]:
        """Confusion matrix over all ranks' shares, (C, C); image by image, so that no rank count changes a prediction.

        Raises:
            ValueError: a label that is no class.
            TrainingDivergedError: nan or infinite logits, on any rank.
        """
        classes = self._num_classes
        confusion = torch.zeros((classes, classes), dtype=torch.int64, device=self._device)
        infinite = torch.zeros((), dtype=torch.int64, device=self._device)
        for image, target in self._examples():
            logits = predict_logits(network, image)
            infinite += ~finite_pixels(logits)
            confusion += count_confusion(logits.argmax(dim=1).to(torch.uint8), target, classes)
        if images := int(self._communicator.sum_array(infinite.cpu().numpy()[None])[0]):
            raise TrainingDivergedError(
                f"the network gives nan or infinite logits for {images} of {self._data.num_validation} validation "
                "images: lower training.learning_rate"
            )
        return self._communicator.sum_array(confusion.cpu().numpy())

    def _examples(self) -> Iterator[Example]:
        """This rank's share, on the device."""
        own = range(self._communicator.rank, self._data.num_validation, self._communicator.world_size)
        yield from (self._kept[index] for index in own if index in self._kept)
        others = [index for index in own if index not in self._kept]
        loaded = prefetch((partial(self._read, index) for index in others), self._threads)
        for index, (image, labels) in zip(others, loaded, strict=True):
            on_device = (
                image.to(self._device) if isinstance(image, Encoded) else image.to(self._device, non_blocking=True)
            )
            example = on_device, labels.to(self._device, non_blocking=True)
            if image.nbytes + labels.nbytes <= self._room:
                self._room -= image.nbytes + labels.nbytes
                self._kept[index] = example
            yield example

    def _read(self, index: int) -> Example:
        """One example in main memory, pinned for a GPU; its labels are checked the first time."""
        image, labels = self._data.validation_example(index)
        if index not in self._checked:
            check_labels(labels, self._num_classes, f"validation example {index}")
            self._checked.add(index)
        inputs: Tensor | Encoded = torch.from_numpy(np.ascontiguousarray(image)[None])
        if self._features is not None:
            inputs = self._features.validation_features(index)
        target = torch.from_numpy(np.ascontiguousarray(labels)[None])
        return (inputs.pin_memory(), target.pin_memory()) if self._device.type == "cuda" else (inputs, target)

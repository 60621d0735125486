"""What every segmentation network offers to training, inference and start weights."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


@dataclass(frozen=True)
class InputSpec:
    """How a network wants its RGB pixels of 0 to 255: less `mean`, divided by `std`, a channel each."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)
"""Of RGB in [0, 1], as for torchvision's encoders."""

IMAGENET: Final = InputSpec(
    mean=(255 * IMAGENET_MEAN[0], 255 * IMAGENET_MEAN[1], 255 * IMAGENET_MEAN[2]),
    std=(255 * IMAGENET_STD[0], 255 * IMAGENET_STD[1], 255 * IMAGENET_STD[2]),
)
"""ImageNet's mean 0 and deviation 1, as torchvision's encoders were trained."""

CENTRED: Final = InputSpec(mean=(127.0,) * 3, std=(128.0,) * 3)
"""About -1 to 1, as TensorFlow's light encoders were trained."""


@dataclass(frozen=True)
class Encoded:
    """What a frozen encoder made of a batch: features, finest first, and the size of its images.

    features: (N, channels, h, w) float16 each. stride: logits are wanted at the rows and columns `every` gives only.
    part: these are cut out of the features of images; logits are wanted at the cells of the finest.
    """

    features: tuple[Tensor, ...]
    height: int
    width: int
    stride: int = 1
    part: bool = False

    @property
    def nbytes(self) -> int:
        """Bytes of the features."""
        return sum(part.nbytes for part in self.features)

    def pin_memory(self) -> "Encoded":
        """The same in memory from which copies to a GPU run beside the computation."""
        return replace(self, features=tuple(part.pin_memory() for part in self.features))

    def to(self, device: torch.device | str) -> "Encoded":
        """The same on a device."""
        return replace(self, features=tuple(part.to(device, non_blocking=True) for part in self.features))


def every(size: int, stride: int) -> list[int]:
    """About every `stride`-th of `size` places, the first and the last among them."""
    count = -(-size // stride)
    return [round(place * (size - 1) / max(1, count - 1)) for place in range(count)]


class SegmentationNetwork(nn.Module):
    """(N, 3, H, W) float32 images, normalised as `spec` says → (N, num_classes, H, W) logits, for any H, W >= 1.

    A network whose encoder is frozen also takes what `encode` gave for these images.
    """

    num_classes: int
    spec: InputSpec = IMAGENET
    frozen_encoder: bool = False
    """Whether `encode` works, and training leaves the encoder as it is."""

    def foreign_weights(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        """Rename the weights of a published encoder; None where the names are no such encoder's.

        The result holds every key of this network's state dict; shapes may still be wrong.

        Raises:
            ValueError: it is that encoder, but keys are missing, unknown or of another variant.
        """
        return None

    def encode(self, images: Tensor) -> tuple[Tensor, ...]:
        """Features that a frozen encoder makes of images, for `Encoded`: always the same for one image.

        Args:
            images: (N, 3, H, W) float32, normalised.

        Returns:
            (N, channels, h, w) float16 each, finest first.
        """
        raise NotImplementedError(f"{type(self).__name__} has no frozen encoder")

    def cell_places(self, side: int, cells: int) -> NDArray[np.int64]:
        """Where the cells of the finest features lie on an image.

        Args:
            side: height or width of the image in pixels.
            cells: of the finest features along that side.

        Returns:
            (cells,) int64 nearest rows or columns; those of padding are `side` or more.
        """
        raise NotImplementedError(f"{type(self).__name__} has no frozen encoder")

    def pooled_features(self, images: Tensor) -> Tensor | None:
        """What the network knows of each image as a whole, for policies that want diverse queries.

        Args:
            images: (N, 3, H, W) float32, normalised.

        Returns:
            (N, k) float32, k at most 256; None where the network names no layer for it.
        """
        return None


MAX_POOLED: Final = 256
"""Numbers of an image's pooled features."""


def pooled(features: Tensor) -> Tensor:
    """Mean of each channel over the image; of more than 256 channels, neighbours are averaged.

    Args:
        features: (N, channels, h, w), or (N, tokens, channels) as transformers give them.

    Returns:
        (N, k) float32, k at most 256.
    """
    means = features.float().mean(dim=(2, 3) if features.ndim == 4 else 1)
    if means.shape[1] <= MAX_POOLED:
        return means
    parts = torch.tensor_split(means, MAX_POOLED, dim=1)
    return torch.stack([part.mean(dim=1) for part in parts], dim=1)

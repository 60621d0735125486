"""From images to softmax and labels: the one way that training, scoring and serving run a network."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Of RGB in [0, 1], as for torchvision's encoders."""


def normalise(images: NDArray[np.uint8] | Tensor, device: torch.device | str) -> Tensor:
    """images: (N, H, W, 3) uint8 RGB → (N, 3, H, W) float32 on `device`, ImageNet mean 0 and deviation 1.

    Bytes travel to the device, not floats. The result is stored channels last.

    Raises:
        ValueError: other shape or type.
    """
    if images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(f"images of shape {tuple(images.shape)}: give (N, H, W, 3)")
    if images.dtype not in (np.uint8, torch.uint8):
        raise ValueError(f"images of type {images.dtype}: give uint8 RGB")
    pixels = images if isinstance(images, Tensor) else torch.from_numpy(np.ascontiguousarray(images))
    values = pixels.to(device, non_blocking=True).to(torch.float32)
    mean = torch.tensor([255 * value for value in IMAGENET_MEAN], device=device)
    std = torch.tensor([255 * value for value in IMAGENET_STD], device=device)
    return values.sub_(mean).div_(std).permute(0, 3, 1, 2)


def predict_softmax(network: nn.Module, image: NDArray[np.uint8], device: torch.device | str) -> Tensor:
    """image: (H, W, 3) uint8 RGB → (C, H, W) float32 softmax on `device`, contiguous, sums to 1 over C.

    The network must be on `device`; it runs in evaluation mode and is left in the mode it had.
    """
    with evaluation_mode(network), torch.inference_mode():
        logits = network(normalise(image[None], device))
        return torch.softmax(logits[0].float(), dim=0).contiguous()


def predict_labels(network: nn.Module, images: NDArray[np.uint8] | Tensor) -> Tensor:
    """images: (N, H, W, 3) uint8 RGB → (N, H, W) uint8 classes on the network's device, lowest class at ties.

    The network runs in evaluation mode and is left in the mode it had.
    """
    device = next(network.parameters()).device
    with evaluation_mode(network), torch.inference_mode():
        return network(normalise(images, device)).argmax(dim=1).to(torch.uint8)


@contextmanager
def evaluation_mode(network: nn.Module) -> Iterator[None]:
    """Dropout off, batch norm with its running statistics; afterwards the mode is as before."""
    was_training = network.training
    if was_training:
        network.eval()
    try:
        yield
    finally:
        if was_training:
            network.train()

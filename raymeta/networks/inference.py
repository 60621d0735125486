"""From images to softmax and labels: the one way that training, scoring and serving run a network."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import cv2
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
    if torch.device(device).type == "cpu":
        in_bytes = np.asarray(images.numpy() if isinstance(images, Tensor) else images, np.uint8)
        return torch.from_numpy(_look_up(in_bytes)).permute(0, 3, 1, 2)
    pixels = images if isinstance(images, Tensor) else torch.from_numpy(np.ascontiguousarray(images))
    mean, std = _mean_and_deviation(torch.device(device))
    return pixels.to(device, non_blocking=True).to(torch.float32).sub_(mean).div_(std).permute(0, 3, 1, 2)


@cache
def _mean_and_deviation(device: torch.device) -> tuple[Tensor, Tensor]:
    """Of RGB in 0..255, (3,) float32 each; made once, since a copy to a GPU waits for all that it has to do."""
    with torch.inference_mode(False):
        mean = torch.tensor([255 * value for value in IMAGENET_MEAN], device=device)
        return mean, torch.tensor([255 * value for value in IMAGENET_STD], device=device)


@cache
def _lookup_table() -> NDArray[np.float32]:
    """(1, 256, 3) float32: the normalised value of each byte in each channel."""
    mean, std = _mean_and_deviation(torch.device("cpu"))
    values = torch.arange(256, dtype=torch.float32)[:, None].sub(mean).div(std)
    return values[None].numpy()


def _look_up(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, H, W, 3) uint8 → float32, by table: three times as fast as arithmetic over an axis of three."""
    count, height, width, _ = images.shape
    if not images.size:
        return np.empty(images.shape, np.float32)
    rows = np.ascontiguousarray(images).reshape(count * height, width, 3)
    return np.asarray(cv2.LUT(rows, _lookup_table()), np.float32).reshape(images.shape)


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
    return predict_logits(network, images).argmax(dim=1).to(torch.uint8)


def predict_logits(network: nn.Module, images: NDArray[np.uint8] | Tensor) -> Tensor:
    """images: (N, H, W, 3) uint8 RGB → (N, C, H, W) logits on the network's device.

    The network runs in evaluation mode and is left in the mode it had.
    """
    device = next(network.parameters()).device
    with evaluation_mode(network), torch.inference_mode():
        logits: Tensor = network(normalise(images, device))
        return logits


def finite_pixels(values: Tensor) -> Tensor:
    """(…, C, H, W) logits or softmax → () bool on their device: whether each pixel's softmax is made of numbers.

    nan or +infinity in one class spoils a pixel, -infinity in all of them too.
    """
    return torch.isfinite(values.amax(dim=-3)).all()


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

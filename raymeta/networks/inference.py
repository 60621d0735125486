"""From images to softmax and labels: the one way that training, scoring and serving run a network."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from raymeta.networks.segmentation_network import IMAGENET, Encoded, InputSpec, SegmentationNetwork


def normalise(images: NDArray[np.uint8] | Tensor, device: torch.device | str, spec: InputSpec = IMAGENET) -> Tensor:
    """images: (N, H, W, 3) uint8 RGB → (N, 3, H, W) float32 on `device`, normalised as `spec` says.

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
        return torch.from_numpy(_look_up(in_bytes, spec)).permute(0, 3, 1, 2)
    pixels = images if isinstance(images, Tensor) else torch.from_numpy(np.ascontiguousarray(images))
    mean, std = _mean_and_deviation(torch.device(device), spec)
    return pixels.to(device, non_blocking=True).to(torch.float32).sub_(mean).div_(std).permute(0, 3, 1, 2)


@cache
def _mean_and_deviation(device: torch.device, spec: InputSpec) -> tuple[Tensor, Tensor]:
    """Of RGB in 0..255, (3,) float32 each; made once, since a copy to a GPU waits for all that it has to do."""
    with torch.inference_mode(False):
        return torch.tensor(spec.mean, device=device), torch.tensor(spec.std, device=device)


@cache
def _lookup_table(spec: InputSpec) -> NDArray[np.float32]:
    """(1, 256, 3) float32: the normalised value of each byte in each channel."""
    mean, std = _mean_and_deviation(torch.device("cpu"), spec)
    values = torch.arange(256, dtype=torch.float32)[:, None].sub(mean).div(std)
    return values[None].numpy()


def _look_up(images: NDArray[np.uint8], spec: InputSpec) -> NDArray[np.float32]:
    """(N, H, W, 3) uint8 → float32, by table: three times as fast as arithmetic over an axis of three."""
    count, height, width, _ = images.shape
    if not images.size:
        return np.empty(images.shape, np.float32)
    rows = np.ascontiguousarray(images).reshape(count * height, width, 3)
    return np.asarray(cv2.LUT(rows, _lookup_table(spec)), np.float32).reshape(images.shape)


def prepared(
    network: nn.Module, images: NDArray[np.uint8] | Tensor | Encoded, device: torch.device | str
) -> Tensor | Encoded:
    """What the network takes, on `device`: bytes of RGB (N, H, W, 3) normalised as it wants them, or kept features."""
    if isinstance(images, Encoded):
        return images.to(device)
    return normalise(images, device, getattr(network, "spec", IMAGENET))


def encode_image(network: SegmentationNetwork, image: NDArray[np.uint8], device: torch.device | str) -> Encoded:
    """image: (H, W, 3) uint8 RGB → what the network's frozen encoder makes of it, float16 in main memory.

    One thread computes it: with another number of threads sums round differently, and what one process keeps may be
    what another would compute.
    """
    with torch_threads(1), torch.inference_mode():
        features = network.encode(normalise(image[None], device, network.spec))
    return Encoded(tuple(feature.cpu() for feature in features), *image.shape[:2])


def predict_softmax(network: nn.Module, image: NDArray[np.uint8] | Encoded, device: torch.device | str) -> Tensor:
    """image: (H, W, 3) uint8 RGB, or what a frozen encoder made of it → (C, H, W) float32 softmax on `device`.

    The result is contiguous and sums to 1 over C.

    The network must be on `device`; it runs in evaluation mode and is left in the mode it had.
    """
    with evaluation_mode(network), torch.inference_mode():
        if not isinstance(image, Encoded) and getattr(network, "frozen_encoder", False):
            image = encode_image(cast(SegmentationNetwork, network), image, device)
        images = image if isinstance(image, Encoded) else image[None]
        logits = network(prepared(network, images, device))
        return torch.softmax(logits[0].float(), dim=0).contiguous()


def predict_labels(network: nn.Module, images: NDArray[np.uint8] | Tensor | Encoded) -> Tensor:
    """images: (N, H, W, 3) uint8 RGB, or features → (N, H, W) uint8 classes on the network's device, lowest at ties.

    The network runs in evaluation mode and is left in the mode it had.
    """
    return predict_logits(network, images).argmax(dim=1).to(torch.uint8)


def predict_logits(network: nn.Module, images: NDArray[np.uint8] | Tensor | Encoded) -> Tensor:
    """images: (N, H, W, 3) uint8 RGB, or features → (N, C, H, W) logits on the network's device.

    The network runs in evaluation mode and is left in the mode it had.
    """
    device = next(network.parameters()).device
    with evaluation_mode(network), torch.inference_mode():
        logits: Tensor = network(prepared(network, images, device))
        return logits


def finite_pixels(values: Tensor) -> Tensor:
    """(…, C, H, W) logits or softmax → () bool on their device: whether each pixel's softmax is made of numbers.

    nan or +infinity in one class spoils a pixel, -infinity in all of them too.
    """
    return torch.isfinite(values.amax(dim=-3)).all()


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """So many threads for one operation of torch on the CPU; afterwards as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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

"""Xception65 weights as timm names them (xception65), turned into the names of our encoder."""

from collections.abc import Mapping

import torch
from torch import Tensor

from raymeta.networks.architectures.published_names import BATCH_NORM_KEYS, layer_names, rename
from raymeta.networks.segmentation_network import IMAGENET_MEAN, IMAGENET_STD

SOURCE = "timm xception65"
MARK = "blocks.0.stack.conv1.conv_dw.weight"
"""Only timm's aligned Xceptions have this key."""
UNITS = 21
SHORTCUTS = (0, 1, 2, 19)
"""Units with a convolution beside them."""
PARTS = {"conv_dw": "depthwise", "bn_dw": "depthwise_norm", "conv_pw": "pointwise", "bn_pw": "pointwise_norm"}
UNUSED = ("head.fc.weight", "head.fc.bias")
"""The ImageNet class scores."""


def rename_xception65(weights: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """Encoder weights under our names, of any width; None unless the names are those of timm's Xceptions.

    timm's images are (x - 0.5) / 0.5 for x in [0, 1], ours have ImageNet's mean and deviation: the first convolution
    and the mean of its batch norm are converted, so that it computes the same (but at the image border, where
    padding now stands for the mean colour instead of grey).

    Raises:
        ValueError: missing or unknown keys, as for xception41, xception71 or the variants with pre-activation.
    """
    if MARK not in weights:
        return None
    renamed = rename(weights, _names(), UNUSED, SOURCE)
    kernel = renamed["stem.0.0.weight"]
    if kernel.dim() == 4 and kernel.shape[1] == 3:  # another shape is reported with all others
        renamed["stem.0.0.weight"] = kernel * _per_colour([2 * value for value in IMAGENET_STD], kernel)
        offset = (kernel * _per_colour([2 * value - 1 for value in IMAGENET_MEAN], kernel)).sum(dim=(1, 2, 3))
        renamed["stem.0.1.running_mean"] = renamed["stem.0.1.running_mean"] - offset
    return renamed


def _per_colour(values: list[float], kernel: Tensor) -> Tensor:
    return torch.tensor(values, dtype=kernel.dtype)[:, None, None]


def _names() -> dict[str, str]:
    """Own name by timm's name."""
    names: dict[str, str] = {}
    for number in range(2):
        names |= layer_names(f"stem.{number}.conv", f"stem.{number}.0", ["weight"])
        names |= layer_names(f"stem.{number}.bn", f"stem.{number}.1", BATCH_NORM_KEYS)
    for unit in range(UNITS):
        if unit in SHORTCUTS:
            names |= layer_names(f"blocks.{unit}.shortcut.conv", f"units.{unit}.shortcut.0", ["weight"])
            names |= layer_names(f"blocks.{unit}.shortcut.bn", f"units.{unit}.shortcut.1", BATCH_NORM_KEYS)
        for number in range(3):
            for part, own in PARTS.items():
                keys = BATCH_NORM_KEYS if part.startswith("bn") else ["weight"]
                published = f"blocks.{unit}.stack.conv{number + 1}.{part}"
                names |= layer_names(published, f"units.{unit}.convolutions.{number}.{own}", keys)
    return names

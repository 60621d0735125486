"""MobileNetV2 weights as torchvision names them (mobilenet_v2), turned into the names of our encoder."""

from collections.abc import Mapping

from torch import Tensor

from raymeta.networks.architectures.mobilenetv2 import STAGES
from raymeta.networks.architectures.published_names import BATCH_NORM_KEYS, layer_names, rename

SOURCE = "torchvision mobilenet_v2"
MARK = "features.1.conv.0.0.weight"
"""A key of torchvision's MobileNetV2 that no other network with `features.` has."""
BLOCKS = sum(count for _, _, count, _ in STAGES)
UNUSED = (
    *layer_names(f"features.{BLOCKS + 1}.0", "", ["weight"]),
    *layer_names(f"features.{BLOCKS + 1}.1", "", BATCH_NORM_KEYS),
    *layer_names("classifier.1", "", ("weight", "bias")),
)
"""The last convolution and the ImageNet class scores."""


def rename_mobilenetv2(weights: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """Encoder weights under our names, of any width; None unless the names are torchvision's.

    Raises:
        ValueError: missing or unknown keys.
    """
    if MARK not in weights:
        return None
    return rename(weights, _names(), UNUSED, SOURCE)


def _names() -> dict[str, str]:
    """Own name by torchvision's name; the first block has no expansion, so its layers stand one place earlier."""
    names = _pair("features.0.0", "features.0.1", "stem")
    for block in range(BLOCKS):
        published, own = f"features.{block + 1}.conv", f"blocks.{block}"
        expanded = 0 if block == 0 else 1
        if expanded:
            names |= _pair(f"{published}.0.0", f"{published}.0.1", f"{own}.expand")
        names |= _pair(f"{published}.{expanded}.0", f"{published}.{expanded}.1", f"{own}.depthwise")
        names |= _pair(f"{published}.{expanded + 1}", f"{published}.{expanded + 2}", f"{own}.project")
    return names


def _pair(convolution: str, norm: str, own: str) -> dict[str, str]:
    return layer_names(convolution, f"{own}.0", ["weight"]) | layer_names(norm, f"{own}.1", BATCH_NORM_KEYS)

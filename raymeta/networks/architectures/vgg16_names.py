"""VGG16 weights as torchvision names them (vgg16, vgg16_bn), turned into the names of FCN8."""

from collections.abc import Mapping

from torch import Tensor

from raymeta.networks.architectures.published_names import BATCH_NORM_KEYS, layer_names, rename

CONVOLUTIONS = (2, 2, 3, 3, 3)
"""Convolutions a stage."""
FC6_SIZE = 7
"""Side of the feature map that `classifier.0` was trained on."""
MARK = "features.0.weight"
"""MobileNetV2 has `features.` as well, but not this key."""
UNUSED = ("classifier.6.weight", "classifier.6.bias")
"""The ImageNet class scores."""


def rename_vgg16(weights: Mapping[str, Tensor], batch_norm: bool) -> dict[str, Tensor] | None:
    """Encoder weights under FCN8's names, fc6 and fc7 as convolutions; None unless the names are torchvision's.

    weights: `features.*` and `classifier.*`, of any width. Tensors are shared, not copied.

    Raises:
        ValueError: missing or unknown keys, or batch norm in only one of file and network.
    """
    if MARK not in weights:
        return None
    has_batch_norm = any(name.startswith("features.") and name.endswith("running_mean") for name in weights)
    if has_batch_norm != batch_norm:
        raise ValueError(
            f"these VGG16 weights come {'with' if has_batch_norm else 'without'} batch norm, the network is built "
            f"{'with' if batch_norm else 'without'} it: set network.batch_norm to {str(has_batch_norm).lower()}"
        )
    renamed = rename(weights, _names(batch_norm), UNUSED, "VGG16")
    renamed["fc6.weight"] = _as_convolution(renamed["fc6.weight"], FC6_SIZE)
    renamed["fc7.weight"] = _as_convolution(renamed["fc7.weight"], 1)
    return renamed


def _names(batch_norm: bool) -> dict[str, str]:
    """FCN8's name by torchvision's name."""
    names: dict[str, str] = {}
    layers = 3 if batch_norm else 2
    index = 0
    for stage, convolutions in enumerate(CONVOLUTIONS):
        for number in range(convolutions):
            own = f"stages.{stage}.{number * layers}"
            names |= layer_names(f"features.{index}", own, ("weight", "bias"))
            if batch_norm:
                norm = f"stages.{stage}.{number * layers + 1}"
                names |= layer_names(f"features.{index + 1}", norm, BATCH_NORM_KEYS)
            index += layers
        index += 1  # the pooling
    names |= layer_names("classifier.0", "fc6", ("weight", "bias"))
    return names | layer_names("classifier.3", "fc7", ("weight", "bias"))


def _as_convolution(weight: Tensor, size: int) -> Tensor:
    """(out, in·size²) of a linear layer on a flattened map → (out, in, size, size); unchanged where that can't be."""
    if weight.dim() != 2 or weight.shape[1] % (size * size):
        return weight
    return weight.reshape(weight.shape[0], -1, size, size)

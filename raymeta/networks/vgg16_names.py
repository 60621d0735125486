"""VGG16 weights as torchvision names them (vgg16, vgg16_bn), turned into the names of FCN8."""

from collections.abc import Iterator, Mapping

from torch import Tensor

CONVOLUTIONS = (2, 2, 3, 3, 3)
"""Convolutions a stage."""
BATCH_NORM_KEYS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
FC6_SIZE = 7
"""Side of the feature map that `classifier.0` was trained on."""
UNUSED = ("classifier.6.weight", "classifier.6.bias")
"""The ImageNet class scores."""


def rename_vgg16(weights: Mapping[str, Tensor], batch_norm: bool) -> dict[str, Tensor] | None:
    """Encoder weights under FCN8's names, fc6 and fc7 as convolutions; None unless the names are torchvision's.

    weights: `features.*` and `classifier.*`, of any width. Tensors are shared, not copied.

    Raises:
        ValueError: missing or unknown keys, or batch norm in only one of file and network.
    """
    if not any(name.startswith("features.") for name in weights):
        return None
    has_batch_norm = any(name.startswith("features.") and name.endswith("running_mean") for name in weights)
    if has_batch_norm != batch_norm:
        raise ValueError(
            f"these VGG16 weights come {'with' if has_batch_norm else 'without'} batch norm, the network is built "
            f"{'with' if batch_norm else 'without'} it: set network.batch_norm to {str(has_batch_norm).lower()}"
        )
    names = dict(_names(batch_norm))
    optional = {name for name in names if name.endswith("num_batches_tracked")}
    missing = sorted(names.keys() - optional - weights.keys())
    unknown = sorted(weights.keys() - names.keys() - set(UNUSED))
    if missing or unknown:
        raise ValueError(f"no complete VGG16: missing {missing}, unknown {unknown}: take the file of a whole vgg16")
    renamed = {own: weights[name] for name, own in names.items() if name in weights}
    for name, own in names.items():
        if name not in weights:
            renamed[own] = weights[name.replace("num_batches_tracked", "running_mean")].new_zeros(()).long()
    renamed["fc6.weight"] = _as_convolution(renamed["fc6.weight"], FC6_SIZE)
    renamed["fc7.weight"] = _as_convolution(renamed["fc7.weight"], 1)
    return renamed


def _names(batch_norm: bool) -> Iterator[tuple[str, str]]:
    """(torchvision's name, FCN8's name) of each tensor."""
    layers = 3 if batch_norm else 2
    index = 0
    for stage, convolutions in enumerate(CONVOLUTIONS):
        for number in range(convolutions):
            for key in ("weight", "bias"):
                yield f"features.{index}.{key}", f"stages.{stage}.{number * layers}.{key}"
            if batch_norm:
                for key in BATCH_NORM_KEYS:
                    yield f"features.{index + 1}.{key}", f"stages.{stage}.{number * layers + 1}.{key}"
            index += layers
        index += 1  # the pooling
    for key in ("weight", "bias"):
        yield f"classifier.0.{key}", f"fc6.{key}"
        yield f"classifier.3.{key}", f"fc7.{key}"


def _as_convolution(weight: Tensor, size: int) -> Tensor:
    """(out, in·size²) of a linear layer on a flattened map → (out, in, size, size); unchanged where that can't be."""
    if weight.dim() != 2 or weight.shape[1] % (size * size):
        return weight
    return weight.reshape(weight.shape[0], -1, size, size)

"""Start weights from a file: own checkpoints, and published encoders under their own names."""

import io
from collections.abc import Mapping
from pathlib import Path

import torch
from pyarrow import fs
from torch import Tensor

from raymeta.errors import InputError
from raymeta.networks.segmentation_network import SegmentationNetwork

SHOWN = 8
"""Keys named in an error before it only counts the rest."""


class WeightsError(InputError):
    """Start weights that don't fit the network; the message names the keys."""


def load_start_weights(network: SegmentationNetwork, path: str | Path) -> None:
    """Load a state dict from `torch.save` into `network`, in place; nothing is loaded if anything doesn't match.

    path: a file, or a URI that pyarrow's file systems open, as s3://bucket/xception65.pth. Taken are the state dict
    of the same network (a run's `network.pt`) and what the network's `foreign_weights` knows (FCN8: torchvision's
    vgg16 and vgg16_bn; DeepLabv3+: timm's xception65; LR-ASPP: torchvision's mobilenet_v2). Read with
    `weights_only=True`: no code in the file is run.

    Raises:
        WeightsError: unreadable file, no state dict, missing, unknown or differently shaped keys.
    """
    weights = _read(path)
    try:
        foreign = network.foreign_weights(weights)
    except ValueError as error:
        raise WeightsError(f"start weights {path}: {error}") from error
    weights = weights if foreign is None else foreign
    expected = network.state_dict()
    faults = _faults(expected, weights)
    if faults:
        raise WeightsError(
            f"start weights {path} don't fit the network: {'; '.join(faults)}. "
            "Set network.kind, width_multiplier and batch_norm as in the file, with the same classes, or leave "
            "network.weights out"
        )
    network.load_state_dict(weights)


def _read(path: str | Path) -> dict[str, Tensor]:
    try:
        content = torch.load(_open(path), map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise WeightsError(f"start weights {path} don't exist: correct network.weights") from error
    except Exception as error:  # torch raises many kinds for a broken file: pickle, zip, runtime errors
        raise WeightsError(f"start weights {path} can't be read as a state dict of torch.save: {error}") from error
    if not isinstance(content, Mapping):
        raise WeightsError(f"start weights {path} hold {type(content).__name__}: save network.state_dict() instead")
    others = [str(key) for key, value in content.items() if not isinstance(value, Tensor)]
    if others or not content:
        raise WeightsError(f"start weights {path} hold no tensors under {_list(others)}: save network.state_dict()")
    return {str(key): value for key, value in content.items()}


def _open(path: str | Path) -> Path | io.BytesIO:
    """The path itself, or the content behind a URI; a URI's file system raises OSError or an error of pyarrow's."""
    if "://" not in str(path):
        return Path(path).expanduser()
    filesystem, inside = fs.FileSystem.from_uri(str(path))
    with filesystem.open_input_stream(inside, compression=None) as stream:
        return io.BytesIO(stream.read())


def _faults(expected: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> list[str]:
    missing = sorted(expected.keys() - weights.keys())
    unknown = sorted(weights.keys() - expected.keys())
    mismatched = [
        f"{name} {tuple(weights[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected
        if name in weights and weights[name].shape != expected[name].shape
    ]
    kinds = (("missing", missing), ("unknown", unknown), ("other shape", mismatched))
    return [f"{kind}: {_list(names)}" for kind, names in kinds if names]


def _list(names: list[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")

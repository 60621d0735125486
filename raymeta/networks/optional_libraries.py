"""Networks of other libraries, where these are installed: transformers, segmentation_models_pytorch, timm."""

import importlib
import importlib.util
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import torch
from torch import Tensor, nn

from raymeta.errors import InputError
from raymeta.networks.pretrained_packages import MissingPackageError
from raymeta.networks.segmentation_network import IMAGENET, InputSpec

INSTALL: Final = "pip install 'raymeta[libraries]'"
TORCHVISION_OPERATORS: Final = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
"""Operators that torchvision asks for on import, and that its compiled part defines."""
_LIBRARIES: list[Any] = []
"""Keeps definitions of operators alive."""


def library(name: str, wanted_by: str) -> ModuleType:
    """Import an optional library.

    Args:
        name: module to import.
        wanted_by: the config value that needs it, for the message.

    Raises:
        MissingPackageError: it isn't installed, or can't be imported here.
    """
    _let_torchvision_load()
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingPackageError(f"{wanted_by} needs {name}, which can't be imported ({error}): {INSTALL}") from error
    except Exception as error:  # a library that doesn't fit this torch fails in its own ways
        raise MissingPackageError(
            f"{wanted_by} needs {name}, which fails when it is imported here ({type(error).__name__}: {error}): "
            "install versions that fit each other"
        ) from error


def _let_torchvision_load() -> None:
    """Where torchvision's compiled part doesn't fit this torch, declare what its Python part asks for.

    None of the networks here calls these operators; with a torchvision that loads, nothing is declared.
    """
    if importlib.util.find_spec("torchvision") is None or _LIBRARIES:
        return
    with suppress(Exception):
        importlib.import_module("torchvision")
        return
    declared = torch.library.Library("torchvision", "DEF")
    _LIBRARIES.append(declared)
    for name, schema in TORCHVISION_OPERATORS.items():
        with suppress(RuntimeError):  # it is defined already
            declared.define(f"{name}{schema}")


def transformers_network(source: str, num_classes: int, *, pretrained: bool) -> tuple[nn.Module, InputSpec]:
    """A semantic-segmentation model of transformers and what its image processor does to pixels.

    Args:
        source: a local folder or a hub id; a folder without weights gives random ones.
        num_classes: of its new classifier.
        pretrained: start from the source's weights, where it has them.

    Raises:
        MissingPackageError: transformers can't be imported.
        ValueError: the source can't be read, or holds no such model.
    """
    transformers = library("transformers", "network.kind 'transformers'")
    try:
        config = transformers.AutoConfig.from_pretrained(source, num_labels=num_classes)
        folder = Path(source).expanduser()
        has_weights = not folder.is_dir() or any(folder.glob("*.safetensors")) or any(folder.glob("*.bin"))
        auto = transformers.AutoModelForSemanticSegmentation
        if pretrained and has_weights:
            model = auto.from_pretrained(source, config=config, ignore_mismatched_sizes=True)
        else:
            model = auto.from_config(config)
    except Exception as error:  # transformers raises OSError, ValueError, KeyError and its own
        raise InputError(
            f"network.source {source!r} can't be opened as a semantic-segmentation model of transformers: "
            f"{str(error).strip().splitlines()[0]}; name a folder that save_pretrained wrote, or hf://NAME"
        ) from error
    return _Keywords(model), _processor_spec(source)


class _Keywords(nn.Module):
    """A model of transformers that takes images by position."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Any:
        """images: (N, 3, H, W) → the model's output, which holds `logits`."""
        return self.model(pixel_values=images)


def _processor_spec(source: str) -> InputSpec:
    """Mean and deviation of a local folder's image processor; ImageNet's where it names none."""
    with suppress(OSError, ValueError):
        values: Mapping[str, Any] = json.loads((Path(source).expanduser() / "preprocessor_config.json").read_text())
        mean, std = values["image_mean"], values["image_std"]
        return InputSpec(_three(mean), _three(std))
    return IMAGENET


def _three(values: Any) -> tuple[float, float, float]:
    red, green, blue = (255 * float(value) for value in values)
    return red, green, blue


def smp_network(options: Mapping[str, Any], num_classes: int, *, pretrained: bool) -> nn.Module:
    """A network of segmentation_models_pytorch: `options` are those of its `create_model`.

    Raises:
        MissingPackageError: it can't be imported.
        ValueError: options that it doesn't take.
    """
    smp = library("segmentation_models_pytorch", "network.kind 'smp'")
    values = {"arch": "unet", "encoder_weights": None, **options}  # no download that nobody asked for
    if not pretrained:
        values["encoder_weights"] = None
    try:
        network: nn.Module = smp.create_model(classes=num_classes, **values)
    except Exception as error:  # KeyError, TypeError, ValueError and what a download raises
        raise InputError(f"network.options {dict(options)}: segmentation_models_pytorch says: {error}") from error
    return network


def timm_encoder(name: str, options: Mapping[str, Any], *, pretrained: bool) -> tuple[nn.Module, list[int], InputSpec]:
    """An encoder of timm, the channels of its features at strides 4 to 32, and what it does to pixels.

    Args:
        name: as timm names it, resnet18 for example.
        options: further arguments of `timm.create_model`; `pretrained: true` loads timm's weights.
        pretrained: False ignores that.

    Raises:
        MissingPackageError: timm can't be imported.
        ValueError: it has no such encoder, or that one gives no features of these strides.
    """
    timm = library("timm", f"network.kind 'timm:{name}'")
    values = {"pretrained": False, **options}
    values["pretrained"] = bool(values["pretrained"]) and pretrained
    try:
        encoder = timm.create_model(name, features_only=True, **values)
        strides = list(encoder.feature_info.reduction())
        channels = list(encoder.feature_info.channels())
    except Exception as error:  # RuntimeError for unknown names, TypeError, what a download raises
        raise InputError(f"network.kind 'timm:{name}': timm says: {error}") from error
    wanted = [index for index, stride in enumerate(strides) if stride in (4, 8, 16, 32)]
    if not wanted:
        raise InputError(f"network.kind 'timm:{name}' has features at strides {strides}: choose one with 4 to 32")
    config = getattr(encoder, "pretrained_cfg", {})
    spec = IMAGENET
    if config.get("mean") and config.get("std"):
        spec = InputSpec(_three(config["mean"]), _three(config["std"]))
    return _Chosen(encoder, wanted), [channels[index] for index in wanted], spec


class _Chosen(nn.Module):
    """Some of an encoder's features."""

    def __init__(self, encoder: nn.Module, wanted: list[int]) -> None:
        super().__init__()
        self.encoder = encoder
        self.wanted = wanted

    def forward(self, images: Tensor) -> list[Tensor]:
        """images: (N, 3, H, W) → (N, channels, h, w) each, finest first."""
        features = self.encoder(images)
        return [features[index] for index in self.wanted]

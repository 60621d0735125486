"""Networks that raymeta didn't write, by config: a factory of the user's, transformers, segmentation_models_pytorch."""

import importlib
import sys
from pathlib import Path
from typing import Final

from torch import nn

from raymeta.config import NetworkConfig
from raymeta.errors import InputError
from raymeta.networks.network_adapter import NetworkAdapter
from raymeta.networks.optional_libraries import smp_network, timm_encoder, transformers_network
from raymeta.networks.segmentation_network import IMAGENET, InputSpec

HUB: Final = "hf://"
"""Before a name of the Hugging Face hub in `network.source`."""


def build_module(config: NetworkConfig, num_classes: int) -> NetworkAdapter:
    """What `network.factory` makes, called with the number of classes and `network.options`.

    Raises:
        ValueError: no such function, or it fails, or makes no torch module.
    """
    if config.factory is None:
        raise InputError("network.kind 'module' needs network.factory: write package.module:function")
    function = _factory(config.factory)
    try:
        module = function(num_classes, **config.options)
    except Exception as error:
        raise InputError(
            f"network.factory {config.factory} fails for {num_classes} classes and options {config.options}: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(module, nn.Module):
        raise InputError(
            f"network.factory {config.factory} gives {type(module).__name__}: let it return a torch.nn.Module"
        )
    return adapted(module, config, num_classes, IMAGENET)


def _factory(name: str):  # type: ignore[no-untyped-def]  # whatever the user wrote
    """Import package.module and take the function after the colon; the working folder is looked into, too."""
    path, _, attribute = name.partition(":")
    if not path or not attribute:
        raise InputError(f"network.factory {name!r}: write package.module:function")
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        found = importlib.import_module(path)
    except Exception as error:
        raise InputError(
            f"network.factory {name!r}: {path} can't be imported ({type(error).__name__}: {error}): install it, or "
            "start in the folder that holds it"
        ) from error
    try:
        for part in attribute.split("."):
            found = getattr(found, part)
    except AttributeError:
        raise InputError(f"network.factory {name!r}: {path} has no {attribute}: correct the name") from None
    if not callable(found):
        raise InputError(f"network.factory {name!r} isn't a function: name one that takes the number of classes")
    return found


def build_transformers(config: NetworkConfig, num_classes: int, *, pretrained: bool) -> NetworkAdapter:
    """The semantic-segmentation model of transformers at `network.source`; errors as `transformers_network`."""
    if config.source is None:
        raise InputError("network.kind 'transformers' needs network.source: a folder of save_pretrained, or hf://NAME")
    module, spec = transformers_network(config.source.removeprefix(HUB), num_classes, pretrained=pretrained)
    return adapted(module, config, num_classes, spec)


def build_smp(config: NetworkConfig, num_classes: int, *, pretrained: bool) -> NetworkAdapter:
    """A network of segmentation_models_pytorch with `network.options`; errors as `smp_network`."""
    return adapted(smp_network(config.options, num_classes, pretrained=pretrained), config, num_classes, IMAGENET)


def build_timm_encoder(name: str, config: NetworkConfig, *, pretrained: bool) -> tuple[nn.Module, list[int], InputSpec]:
    """An encoder of timm, its channels, and what it wants pixels to be; errors as `timm_encoder`."""
    encoder, channels, spec = timm_encoder(name, config.options, pretrained=pretrained)
    return encoder, channels, _spec(config, spec)


def adapted(module: nn.Module, config: NetworkConfig, num_classes: int, spec: InputSpec) -> NetworkAdapter:
    """The module behind the seam, as `network.mean`, `std`, `stride` and `feature_layer` say."""
    return NetworkAdapter(module, num_classes, _spec(config, spec), config.stride, config.feature_layer)


def _spec(config: NetworkConfig, default: InputSpec) -> InputSpec:
    """What the config says of pixels, else what the network's library says."""
    if config.mean is None or config.std is None:
        return default
    return InputSpec(config.mean, config.std)

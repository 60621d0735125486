"""Initial weights of convolutions, and of networks around a published encoder."""

from collections.abc import Collection, Mapping

import torch
from torch import Tensor, nn


def initialise_convolutions(
    network: nn.Module, generator: torch.Generator | None, linear: Collection[nn.Module] = ()
) -> None:
    """He's normal initialisation, zero biases, in the order of the modules.

    linear: layers that no rectifier follows, as score heads. generator: torch's global one if None.
    Source: He et al. 2015, arXiv:1502.01852.
    """
    for module in network.modules():
        if not isinstance(module, nn.Conv2d):
            continue
        nonlinearity = "linear" if module in linear else "relu"
        nn.init.kaiming_normal_(module.weight, nonlinearity=nonlinearity, generator=generator)  # type: ignore[arg-type]
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def around_encoder(network: nn.Module, encoder: Mapping[str, Tensor] | None) -> dict[str, Tensor] | None:
    """Weights of a network whose encoder gets published ones; the rest keeps its own. None where there are none."""
    if encoder is None:
        return None
    own = {name: value.detach().clone() for name, value in network.state_dict().items()}
    fresh = {name: value for name, value in own.items() if not name.startswith("encoder.")}
    return {**fresh, **{f"encoder.{name}": value for name, value in encoder.items()}}

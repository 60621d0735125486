"""Initial weights of convolutions."""

from collections.abc import Collection

import torch
from torch import nn


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

"""Batch norms of a network that isn't trained, folded into the convolutions before them: half of an encoder's time."""

import copy
from itertools import pairwise

from torch import nn
from torch.nn.utils import fuse_conv_bn_eval

from raymeta.networks.batch_norm import BatchNorm


def folded(network: nn.Module) -> nn.Module:
    """A copy in which each convolution that a batch norm follows in an `nn.Sequential` does the work of both.

    Its results differ from the network's by rounding. Layers that are joined in other ways stay as they are.

    Args:
        network: in evaluation mode; left as it is.

    Returns:
        The copy, without gradients, on the same device.
    """
    made = copy.deepcopy(network).requires_grad_(False)
    for chain in [module for module in made.modules() if isinstance(module, nn.Sequential)]:
        layers = list(chain.named_children())
        for (place, layer), (following_place, following) in pairwise(layers):
            if isinstance(layer, nn.Conv2d) and isinstance(following, (BatchNorm, nn.BatchNorm2d)):
                chain._modules[place] = fuse_conv_bn_eval(layer, following).requires_grad_(False)
                chain._modules[following_place] = nn.Identity()
    return made

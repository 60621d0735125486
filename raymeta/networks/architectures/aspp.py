"""Atrous spatial pyramid pooling: features at several rates and of the whole image, side by side.

Source: Chen et al. 2017, arXiv:1706.05587; with separable convolutions: arXiv:1802.02611.
"""

import torch
from torch import Tensor, nn

from raymeta.networks.architectures.separable_convolution import SeparableConvolution, normalised_convolution

RATES = (6, 12, 18)
DROPOUT = 0.1


class ASPP(nn.Module):
    """A 1×1 convolution, a separable 3×3 convolution for each rate, and image pooling; a 1×1 convolution joins them."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.point = normalised_convolution(before, after)
        self.atrous = nn.ModuleList(
            SeparableConvolution(before, after, activated=True, dilation=rate) for rate in RATES
        )
        self.image = normalised_convolution(before, after)
        self.join = nn.Sequential(normalised_convolution((2 + len(RATES)) * after, after), nn.Dropout(DROPOUT))

    def forward(self, features: Tensor) -> Tensor:
        """features: (N, before, H, W) → (N, after, H, W)."""
        # A mean over the map, not adaptive pooling: that one isn't deterministic on a GPU.
        image = self.image(features.mean(dim=(2, 3), keepdim=True)).expand(-1, -1, *features.shape[-2:])
        branches = [self.point(features), *(branch(features) for branch in self.atrous), image]
        return self.join(torch.cat(branches, dim=1))

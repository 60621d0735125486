"""A convolution of each channel by itself, then one over channels: a fraction of a full convolution's cost."""

import torch
from torch import Tensor, nn

from raymeta.networks.batch_norm import BatchNorm


class SeparableConvolution(nn.Module):
    """Depthwise 3×3 and pointwise 1×1 convolution, each with batch norm.

    activated: a rectifier after each of the two, else none at all. The output is `ceil(size / stride)`.
    Source: Chollet 2017, arXiv:1610.02357; with dilation: Chen et al. 2018, arXiv:1802.02611.
    """

    def __init__(
        self, before: int, after: int, *, activated: bool, stride: int = 1, dilation: int = 1, eps: float = 1e-5
    ) -> None:
        super().__init__()
        self.activated = activated
        self.depthwise = nn.Conv2d(
            before, before, 3, stride=stride, padding=dilation, dilation=dilation, groups=before, bias=False
        )
        self.depthwise_norm = BatchNorm(before, eps=eps)
        self.pointwise = nn.Conv2d(before, after, 1, bias=False)
        self.pointwise_norm = BatchNorm(after, eps=eps)

    def forward(self, features: Tensor) -> Tensor:
        """features: (N, before, H, W) → (N, after, H / stride, W / stride), rounded up."""
        features = self.depthwise_norm(self.depthwise(features))
        if self.activated:
            features = torch.relu(features)
        features = self.pointwise_norm(self.pointwise(features))
        return torch.relu(features) if self.activated else features


def normalised_convolution(before: int, after: int, size: int = 1, stride: int = 1, eps: float = 1e-5) -> nn.Sequential:
    """Convolution of odd `size`, batch norm and rectifier."""
    return nn.Sequential(
        nn.Conv2d(before, after, size, stride=stride, padding=size // 2, bias=False),
        BatchNorm(after, eps=eps),
        nn.ReLU(inplace=True),
    )

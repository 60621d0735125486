"""A light feature pyramid as decoder: from coarse to fine, each stage's features are added and smoothed.

Source: Lin et al. 2017, arXiv:1612.03144, with depthwise separable convolutions of few channels.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from raymeta.networks.architectures.bilinear_resizing import resize_like
from raymeta.networks.architectures.pointwise_convolution import PointwiseConvolution
from raymeta.networks.batch_norm import BatchNorm

CHANNELS = 48


class LightFPN(nn.Module):
    """Logits at the finest stride from features of several strides."""

    def __init__(self, encoder_channels: Sequence[int], num_classes: int, channels: int = CHANNELS) -> None:
        """encoder_channels: of the features, finest first."""
        super().__init__()
        self.lateral = nn.ModuleList(PointwiseConvolution(before, channels) for before in encoder_channels)
        self.smooth = nn.ModuleList(_smoothing(channels) for _ in encoder_channels)
        self.score = PointwiseConvolution(channels, num_classes)

    def linear_layers(self) -> tuple[nn.Module, ...]:
        """Those that no rectifier follows."""
        return (self.score,)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """features: (N, channels, h, w) each, finest first → (N, num_classes, h, w) of the finest."""
        joined: Tensor | None = None
        for level in range(len(features) - 1, -1, -1):
            own = self.lateral[level](features[level])
            joined = self.smooth[level](own if joined is None else own + resize_like(joined, own))
        scores: Tensor = self.score(joined)
        return scores


def _smoothing(channels: int) -> nn.Sequential:
    """One batch norm only: on a processor it costs more than the convolutions."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        PointwiseConvolution(channels, channels, bias=False),
        BatchNorm(channels),
        nn.ReLU(inplace=True),
    )

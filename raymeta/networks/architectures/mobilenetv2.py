"""MobileNetV2 as an encoder: inverted residuals with linear bottlenecks, output stride 16.

Source: Sandler et al. 2018, arXiv:1801.04381, Table 2, without the last 1×1 convolution: it serves ImageNet's classes.
"""

from torch import Tensor, nn

from raymeta.networks.architectures.channel_counts import scaled_to_eights
from raymeta.networks.batch_norm import BatchNorm

STEM = 32
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, blocks, stride of the first block."""
OUTPUT_STRIDE = 16
FEATURE_STRIDES = (4, 8, 16)
"""Strides whose finest features, the last before the next halving, are given out."""


class InvertedResidual(nn.Module):
    """Expanding 1×1, depthwise 3×3 and projecting 1×1 convolution; added to its input where the sizes are equal."""

    def __init__(self, before: int, after: int, stride: int, expansion: int, dilation: int) -> None:
        super().__init__()
        hidden = before * expansion
        self.adds = stride == 1 and before == after
        self.expand = _convolution(before, hidden, 1) if expansion != 1 else None
        self.depthwise = _convolution(hidden, hidden, 3, stride, dilation, groups=hidden)
        self.project = nn.Sequential(nn.Conv2d(hidden, after, 1, bias=False), BatchNorm(after))

    def forward(self, features: Tensor) -> Tensor:
        """features: (N, before, H, W) → (N, after, H / stride, W / stride), rounded up."""
        hidden = features if self.expand is None else self.expand(features)
        projected = self.project(self.depthwise(hidden))
        return features + projected if self.adds else projected


class MobileNetV2(nn.Module):
    """Encoder with the 17 inverted residuals of MobileNetV2; where it would pass stride 16 it is atrous instead.

    channels: of the features at strides 4, 8 and 16. halving: blocks that halve the size. width_multiplier 1.0 is as
    published.
    """

    def __init__(self, width_multiplier: float = 1.0) -> None:
        super().__init__()
        before = scaled_to_eights(STEM, width_multiplier)
        self.stem = _convolution(3, before, 3, stride=2)
        blocks: list[InvertedResidual] = []
        halving: list[int] = []
        stride, dilation = 2, 1
        channels: dict[int, int] = {}
        for expansion, width, count, first_stride in STAGES:
            after = scaled_to_eights(width, width_multiplier)
            for number in range(count):
                step = first_stride if number == 0 else 1
                rate = dilation
                if step > 1 and stride == OUTPUT_STRIDE:
                    step, dilation = 1, dilation * step
                if step > 1:
                    halving.append(len(blocks))
                blocks.append(InvertedResidual(before, after, step, expansion, rate))
                stride, before = stride * step, after
            channels[stride] = after
        self.blocks = nn.ModuleList(blocks)
        self.halving = tuple(halving)
        self.channels = tuple(channels[stride] for stride in FEATURE_STRIDES)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """images: (N, 3, H, W) → features at strides 4, 8 and 16, sizes rounded up."""
        features = self.stem(images)
        finest: list[Tensor] = []
        for number, block in enumerate(self.blocks):
            if number in self.halving:
                finest.append(features)
            features = block(features)
        _, fine, middle = finest  # the first is at stride 2
        return fine, middle, features


def _convolution(
    before: int, after: int, size: int, stride: int = 1, dilation: int = 1, groups: int = 1
) -> nn.Sequential:
    padding = size // 2 * dilation
    return nn.Sequential(
        nn.Conv2d(before, after, size, stride, padding, dilation, groups, bias=False),
        BatchNorm(after),
        nn.ReLU6(inplace=True),
    )

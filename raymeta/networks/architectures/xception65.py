"""Xception65: the aligned Xception that DeepLabv3+ uses as its encoder.

Source: Chen et al. 2018, arXiv:1802.02611, Fig. 4: every pooling is a strided separable convolution, batch norm and
rectifier also follow the depthwise convolutions of the exit flow, and the middle flow has 16 units.
"""

import torch
from torch import Tensor, nn

from raymeta.networks.architectures.channel_counts import scaled
from raymeta.networks.architectures.separable_convolution import SeparableConvolution, normalised_convolution
from raymeta.networks.batch_norm import BatchNorm

OUTPUT_STRIDE = 16
EPS = 1e-3
"""Of all batch norms, as in the published checkpoints."""
STEM = (32, 64)
ENTRY = (128, 256, 728)
"""Channels of the entry flow's units; each halves the size."""
MIDDLE_UNITS = 16
EXIT = ((728, 1024, 1024), (1536, 1536, 2048))
"""Channels of the three convolutions of both units of the exit flow."""
LOW_LEVEL_UNIT = 1
"""The unit whose second convolution, at stride 4, feeds DeepLabv3+'s decoder."""


class XceptionUnit(nn.Module):
    """Three separable convolutions beside a shortcut.

    stride: of the last convolution. skip: whether there is a shortcut; it is a convolution where sizes or channels
    change. activated: rectifiers behind each convolution (last unit), else before each separable convolution.
    """

    def __init__(
        self, before: int, widths: tuple[int, int, int], stride: int, dilation: int = 1, last: bool = False
    ) -> None:
        super().__init__()
        self.last = last
        self.convolutions = nn.ModuleList(
            SeparableConvolution(
                inputs, outputs, activated=last, stride=stride if number == 2 else 1, dilation=dilation, eps=EPS
            )
            for number, (inputs, outputs) in enumerate(zip((before, *widths), widths, strict=False))
        )
        changes = stride != 1 or before != widths[-1]
        self.shortcut: nn.Sequential | None = None
        if changes and not last:
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, widths[-1], 1, stride=stride, bias=False), BatchNorm(widths[-1], eps=EPS)
            )

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """features: (N, before, H, W) → output, and what the second convolution gave, still of size H, W."""
        branch = finest = features
        for number, convolution in enumerate(self.convolutions):
            branch = convolution(branch if self.last else torch.relu(branch))
            if number == 1:
                finest = branch
        if self.last:
            return branch, finest
        return branch + (features if self.shortcut is None else self.shortcut(features)), finest


class Xception65(nn.Module):
    """Encoder of output stride 16: the exit flow doesn't halve the size, its last unit is atrous instead.

    Sizes are rounded up. channels: of the output. low_level_channels: of the features at stride 4. width_multiplier
    1.0 is as published.
    """

    def __init__(self, width_multiplier: float = 1.0) -> None:
        super().__init__()
        first, second = (scaled(channels, width_multiplier) for channels in STEM)
        self.stem = nn.Sequential(
            normalised_convolution(3, first, 3, stride=2, eps=EPS), normalised_convolution(first, second, 3, eps=EPS)
        )
        units, before = [], second
        for channels in ENTRY:
            width = scaled(channels, width_multiplier)
            units.append(XceptionUnit(before, (width, width, width), stride=2))
            before = width
        units += [XceptionUnit(before, (before, before, before), stride=1) for _ in range(MIDDLE_UNITS)]
        wider, widest = (_scaled_three(widths, width_multiplier) for widths in EXIT)
        units.append(XceptionUnit(before, wider, stride=1))
        units.append(XceptionUnit(wider[-1], widest, stride=1, dilation=2, last=True))
        self.units = nn.ModuleList(units)
        self.channels = widest[-1]
        self.low_level_channels = scaled(ENTRY[LOW_LEVEL_UNIT], width_multiplier)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """images: (N, 3, H, W) → (N, channels, H / 16, W / 16) and (N, low_level_channels, H / 4, W / 4)."""
        features = low_level = self.stem(images)
        for number, unit in enumerate(self.units):
            features, finest = unit(features)
            if number == LOW_LEVEL_UNIT:
                low_level = finest
        return features, low_level


def _scaled_three(widths: tuple[int, int, int], factor: float) -> tuple[int, int, int]:
    first, second, third = (scaled(width, factor) for width in widths)
    return first, second, third

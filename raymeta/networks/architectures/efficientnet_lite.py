"""EfficientNet-Lite 0, 1 and 2 as encoders: inverted residuals without squeeze and excitation, features of four stages.

Source: Tan, Le 2019, arXiv:1905.11946, Table 1, in the "lite" form that TensorFlow published in 2020: no squeeze and
excitation, ReLU6, the stem and the first and last stage as in variant 0. Without the last 1×1 convolution: it serves
ImageNet's classes.
"""

import math
from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional

from raymeta.networks.architectures.channel_counts import scaled_to_eights
from raymeta.networks.architectures.efficientnet_lite_names import rename_efficientnet_lite
from raymeta.networks.batch_norm import BatchNorm

STEM = 32
STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
"""Expansion, channels, blocks, stride of the first block, kernel of the depthwise convolution."""
VARIANTS = {0: (1.0, 1.0), 1: (1.0, 1.1), 2: (1.1, 1.2)}
"""Factors on channels and on blocks."""
OUTPUT_STRIDE = 32
FEATURE_STRIDES = (4, 8, 16, 32)
"""Strides whose last features, before the next halving, are given out."""
EPS = 1e-3
"""Of TensorFlow's batch norm."""


class EfficientNetLite(nn.Module):
    """Encoder with the blocks of EfficientNet-Lite.

    channels: of the features at strides 4, 8, 16 and 32. halving: blocks that halve the size. places: stage of each
    block, and its number there.
    """

    def __init__(self, variant: int = 0) -> None:
        """variant: 0, 1 or 2. Raises ValueError for any other."""
        super().__init__()
        if variant not in VARIANTS:
            raise ValueError(f"efficientnet_lite{variant}: choose one of {sorted(VARIANTS)}")
        width, depth = VARIANTS[variant]
        self.variant = variant
        self.stem = _convolution(3, STEM, 3, stride=2)
        blocks: list[InvertedResidual] = []
        halving: list[int] = []
        places: list[tuple[int, int]] = []
        channels: dict[int, int] = {}
        before, stride = STEM, 2
        for number, (expansion, after, count, first_stride, kernel) in enumerate(STAGES):
            after = scaled_to_eights(after, width)
            fixed = number in (0, len(STAGES) - 1)
            for repeat in range(count if fixed else math.ceil(depth * count)):
                step = first_stride if repeat == 0 else 1
                if step > 1:
                    halving.append(len(blocks))
                blocks.append(InvertedResidual(before, after, expansion, kernel, step))
                places.append((number, repeat))
                before, stride = after, stride * step
            channels[stride] = after
        self.blocks = nn.ModuleList(blocks)
        self.halving = tuple(halving)
        self.places = tuple(places)
        self.channels = tuple(channels[stride] for stride in FEATURE_STRIDES)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """images: (N, 3, H, W) → features at strides 4, 8, 16 and 32, sizes rounded up."""
        features = self.stem(images)
        stages: list[Tensor] = []
        for number, block in enumerate(self.blocks):
            if number in self.halving:
                stages.append(features)
            features = block(features)
        return (*stages[1:], features)  # the first is at stride 2

    def published_weights(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        """See `rename_efficientnet_lite`."""
        return rename_efficientnet_lite(weights, self.places, f"EfficientNet-Lite {self.variant}")


class InvertedResidual(nn.Module):
    """Expanding 1×1, depthwise k×k and projecting 1×1 convolution; added to its input where the sizes are equal."""

    def __init__(self, before: int, after: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        hidden = before * expansion
        self.adds = stride == 1 and before == after
        self.expand = _convolution(before, hidden, 1) if expansion != 1 else None
        self.depthwise = _convolution(hidden, hidden, kernel, stride, groups=hidden)
        self.project = nn.Sequential(nn.Conv2d(hidden, after, 1, bias=False), BatchNorm(after, eps=EPS))

    def forward(self, features: Tensor) -> Tensor:
        """features: (N, before, H, W) → (N, after, H / stride, W / stride), rounded up."""
        hidden = features if self.expand is None else self.expand(features)
        projected = self.project(self.depthwise(hidden))
        return features + projected if self.adds else projected


class SameConvolution(nn.Conv2d):
    """Convolution of odd kernel whose zeros lie as TensorFlow's "same" padding puts them.

    The output is `ceil(size / stride)`; where the zeros can't be equal on both sides, bottom and right get one more.
    On sizes that are a multiple of the stride plus 1 that is the usual symmetric padding.
    """

    def forward(self, input: Tensor) -> Tensor:
        """input: (N, before, H, W)."""
        top, bottom = self._zeros(input.shape[-2], 0)
        left, right = self._zeros(input.shape[-1], 1)
        if (top, left) == (bottom, right):
            return functional.conv2d(input, self.weight, self.bias, self.stride, (top, left), (1, 1), self.groups)
        padded = functional.pad(input, (left, right, top, bottom))
        return functional.conv2d(padded, self.weight, self.bias, self.stride, 0, 1, self.groups)

    def _zeros(self, size: int, axis: int) -> tuple[int, int]:
        """Zeros before and after."""
        kernel, stride = self.kernel_size[axis], self.stride[axis]
        zeros = max(0, (math.ceil(size / stride) - 1) * stride + kernel - size)
        return zeros // 2, zeros - zeros // 2


def _convolution(before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        SameConvolution(before, after, kernel, stride, groups=groups, bias=False),
        BatchNorm(after, eps=EPS),
        nn.ReLU6(inplace=True),
    )

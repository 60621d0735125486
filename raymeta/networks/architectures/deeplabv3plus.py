"""DeepLabv3+: Xception65 at output stride 16, atrous spatial pyramid pooling, decoder at stride 4.

Source: Chen, Zhu, Papandreou, Schroff, Adam 2018, arXiv:1802.02611.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from raymeta.networks.architectures.aspp import ASPP
from raymeta.networks.architectures.bilinear_resizing import cut_like, padded_to_grid, resize_like
from raymeta.networks.architectures.channel_counts import check_network_numbers, scaled
from raymeta.networks.architectures.initial_weights import around_encoder, initialise_convolutions
from raymeta.networks.architectures.separable_convolution import SeparableConvolution, normalised_convolution
from raymeta.networks.architectures.xception65 import OUTPUT_STRIDE, Xception65
from raymeta.networks.architectures.xception65_names import rename_xception65
from raymeta.networks.segmentation_network import SegmentationNetwork

CHANNELS = 256
"""Of the pyramid and the decoder."""
LOW_LEVEL_CHANNELS = 48
"""Of the projected low-level features: few, so that they don't outweigh the pyramid."""


class DeepLabV3PlusLayers(nn.Module):
    """Pyramid and decoder, for whatever module holds them."""

    def add_layers(self, low_level: int, coarse: int, channels: int, projected: int, num_classes: int) -> None:
        """Make the layers for low-level and coarse features of so many channels."""
        self.pyramid = ASPP(coarse, channels)
        self.low_level = normalised_convolution(low_level, projected)
        self.decoder = nn.Sequential(
            SeparableConvolution(channels + projected, channels, activated=True),
            SeparableConvolution(channels, channels, activated=True),
        )
        self.score = nn.Conv2d(channels, num_classes, 1)

    def linear_layers(self) -> tuple[nn.Module, ...]:
        """Those that no rectifier follows."""
        return (self.score,)

    def scores(self, low_level: Tensor, coarse: Tensor) -> Tensor:
        """(N, channels, h, w) each → (N, num_classes, h, w) of the low-level features."""
        fine = self.low_level(low_level)
        scores: Tensor = self.score(self.decoder(torch.cat([resize_like(self.pyramid(coarse), fine), fine], dim=1)))
        return scores


class DeepLabV3PlusHead(DeepLabV3PlusLayers):
    """DeepLabv3+'s pyramid and decoder on any encoder: they look at its finest and its coarsest features."""

    def __init__(self, encoder_channels: Sequence[int], num_classes: int, channels: int = CHANNELS) -> None:
        """encoder_channels: of the features, finest first."""
        super().__init__()
        projected = scaled(LOW_LEVEL_CHANNELS, channels / CHANNELS)
        self.add_layers(encoder_channels[0], encoder_channels[-1], channels, projected, num_classes)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """features: (N, channels, h, w) each, finest first → (N, num_classes, h, w) of the finest."""
        return self.scores(features[0], features[-1])


class DeepLabV3Plus(DeepLabV3PlusLayers, SegmentationNetwork):
    """DeepLabv3+ for any image size.

    width_multiplier: factor on all channel counts, 1.0 is as published. generator: source of the initial weights,
    torch's global one if None.
    """

    def __init__(
        self, num_classes: int, width_multiplier: float = 1.0, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        check_network_numbers(num_classes, width_multiplier)
        self.num_classes = num_classes
        channels = scaled(CHANNELS, width_multiplier)
        projected = scaled(LOW_LEVEL_CHANNELS, width_multiplier)
        self.encoder = Xception65(width_multiplier)
        self.add_layers(self.encoder.low_level_channels, self.encoder.channels, channels, projected, num_classes)
        initialise_convolutions(self, generator, linear=self.linear_layers())

    def forward(self, images: Tensor) -> Tensor:
        """images: (N, 3, H, W) float32, normalised → (N, C, H, W) logits."""
        padded = padded_to_grid(images, OUTPUT_STRIDE)
        features, low_level = self.encoder(padded)
        scores = self.scores(low_level, features)
        return cut_like(resize_like(scores, padded), images)

    def foreign_weights(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        """Take an Xception65 encoder under timm's names; pyramid, decoder and score keep their initial weights."""
        return around_encoder(self, rename_xception65(weights))

"""LR-ASPP on MobileNetV2: a light network that trains on a laptop's processor.

Source: Howard et al. 2019, arXiv:1905.02244, Sec. 6.3 (lite reduced atrous spatial pyramid pooling). Beside its scores
at strides 16 and 8 there are scores at stride 4: small images lose thin things otherwise.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from raymeta.networks.architectures.bilinear_resizing import cut_like, padded_to_grid, resize_like
from raymeta.networks.architectures.channel_counts import check_network_numbers, scaled_to_eights
from raymeta.networks.architectures.initial_weights import around_encoder, initialise_convolutions
from raymeta.networks.architectures.mobilenetv2 import OUTPUT_STRIDE, MobileNetV2
from raymeta.networks.architectures.mobilenetv2_names import rename_mobilenetv2
from raymeta.networks.architectures.separable_convolution import normalised_convolution
from raymeta.networks.segmentation_network import SegmentationNetwork

CHANNELS = 128


class LRASPPLayers(nn.Module):
    """The decoder's layers, for whatever module holds them."""

    num_classes: int

    def add_layers(self, fine: int, middle: int, coarse: int, channels: int, num_classes: int) -> None:
        """Make the layers for features of so many channels, at three strides."""
        self.features = normalised_convolution(coarse, channels)
        self.gate = nn.Conv2d(coarse, channels, 1, bias=False)
        self.score_coarse = nn.Conv2d(channels, num_classes, 1)
        self.score_middle = nn.Conv2d(middle, num_classes, 1)
        self.score_fine = nn.Conv2d(fine, num_classes, 1)

    def linear_layers(self) -> tuple[nn.Module, ...]:
        """Those that no rectifier follows."""
        return self.gate, self.score_coarse, self.score_middle, self.score_fine

    def scores(self, fine: Tensor, middle: Tensor, coarse: Tensor) -> Tensor:
        """(N, channels, h, w) each → (N, num_classes, h, w) of the finest."""
        # A mean over the map, not adaptive pooling: that one isn't deterministic on a GPU.
        gate = torch.sigmoid(self.gate(coarse.mean(dim=(2, 3), keepdim=True)))
        scores = self.score_middle(middle) + self.score_coarse(resize_like(self.features(coarse) * gate, middle))
        return self.score_fine(fine) + resize_like(scores, fine)


class LRASPPHead(LRASPPLayers):
    """LR-ASPP as a decoder of any encoder: it looks at the two finest features and the coarsest."""

    def __init__(self, encoder_channels: Sequence[int], num_classes: int, channels: int = CHANNELS) -> None:
        """encoder_channels: of the features, finest first, three or more."""
        super().__init__()
        fine, middle, *_, coarse = encoder_channels
        self.add_layers(fine, middle, coarse, channels, num_classes)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """features: (N, channels, h, w) each, finest first → (N, num_classes, h, w) of the finest."""
        fine, middle, *_, coarse = features
        return self.scores(fine, middle, coarse)


class LRASPP(LRASPPLayers, SegmentationNetwork):
    """MobileNetV2 with a light decoder, for any image size.

    width_multiplier: factor on the channel counts, rounded to multiples of 8; 1.0 is as published. generator: source
    of the initial weights, torch's global one if None.
    """

    def __init__(
        self, num_classes: int, width_multiplier: float = 1.0, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        check_network_numbers(num_classes, width_multiplier)
        self.num_classes = num_classes
        channels = scaled_to_eights(CHANNELS, width_multiplier)
        self.encoder = MobileNetV2(width_multiplier)
        fine, middle, coarse = self.encoder.channels
        self.add_layers(fine, middle, coarse, channels, num_classes)
        initialise_convolutions(self, generator, linear=self.linear_layers())

    def forward(self, images: Tensor) -> Tensor:
        """images: (N, 3, H, W) float32, normalised → (N, C, H, W) logits."""
        padded = padded_to_grid(images, OUTPUT_STRIDE)
        fine, middle, coarse = self.encoder(padded)
        scores = self.scores(fine, middle, coarse)
        return cut_like(resize_like(scores, padded), images)

    def foreign_weights(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        """Take a MobileNetV2 encoder under torchvision's names; the decoder keeps its initial weights."""
        return around_encoder(self, rename_mobilenetv2(weights))

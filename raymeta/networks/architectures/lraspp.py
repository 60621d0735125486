"""LR-ASPP on MobileNetV2: a light network that trains on a laptop's processor.

Source: Howard et al. 2019, arXiv:1905.02244, Sec. 6.3 (lite reduced atrous spatial pyramid pooling). Beside its scores
at strides 16 and 8 there are scores at stride 4: small images lose thin things otherwise.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from raymeta.networks.architectures.bilinear_resizing import cut_like, padded_to_grid, resize_like
from raymeta.networks.architectures.channel_counts import check_network_numbers, scaled_to_eights
from raymeta.networks.architectures.initial_weights import initialise_convolutions
from raymeta.networks.architectures.mobilenetv2 import OUTPUT_STRIDE, MobileNetV2
from raymeta.networks.architectures.mobilenetv2_names import rename_mobilenetv2
from raymeta.networks.architectures.separable_convolution import normalised_convolution
from raymeta.networks.segmentation_network import SegmentationNetwork

CHANNELS = 128


class LRASPP(SegmentationNetwork):
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
        self.features = normalised_convolution(coarse, channels)
        self.gate = nn.Conv2d(coarse, channels, 1, bias=False)
        self.score_coarse = nn.Conv2d(channels, num_classes, 1)
        self.score_middle = nn.Conv2d(middle, num_classes, 1)
        self.score_fine = nn.Conv2d(fine, num_classes, 1)
        heads = (self.gate, self.score_coarse, self.score_middle, self.score_fine)
        initialise_convolutions(self, generator, linear=heads)

    def forward(self, images: Tensor) -> Tensor:
        """images: (N, 3, H, W) float32, normalised → (N, C, H, W) logits."""
        padded = padded_to_grid(images, OUTPUT_STRIDE)
        fine, middle, coarse = self.encoder(padded)
        # A mean over the map, not adaptive pooling: that one isn't deterministic on a GPU.
        gate = torch.sigmoid(self.gate(coarse.mean(dim=(2, 3), keepdim=True)))
        scores = self.score_middle(middle) + self.score_coarse(resize_like(self.features(coarse) * gate, middle))
        scores = self.score_fine(fine) + resize_like(scores, fine)
        return cut_like(resize_like(scores, padded), images)

    def foreign_weights(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        """Take a MobileNetV2 encoder under torchvision's names; the decoder keeps its initial weights."""
        encoder = rename_mobilenetv2(weights)
        if encoder is None:
            return None
        own = {name: value.detach().clone() for name, value in self.state_dict().items()}
        fresh = {name: value for name, value in own.items() if not name.startswith("encoder.")}
        return {**fresh, **{f"encoder.{name}": value for name, value in encoder.items()}}

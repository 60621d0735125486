"""FCN8: VGG16 encoder, score heads at strides 8, 16 and 32, bilinear-initialised upsampling.

Source: Long, Shelhamer, Darrell 2015, arXiv:1411.4038; encoder: Simonyan, Zisserman 2015, arXiv:1409.1556.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from raymeta.networks.architectures.bilinear_resizing import cut_like
from raymeta.networks.architectures.channel_counts import check_network_numbers, scaled
from raymeta.networks.architectures.initial_weights import initialise_convolutions
from raymeta.networks.architectures.vgg16_names import rename_vgg16
from raymeta.networks.batch_norm import BatchNorm
from raymeta.networks.segmentation_network import SegmentationNetwork

STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Channels of the 13 convolutions of VGG16, by stage; a pooling follows each stage."""
FC_CHANNELS = 4096
DROPOUT = 0.5
OWN_LAYERS = ("upsample_", "fc6_norm", "fc7_norm")
"""Layers without a counterpart in VGG16; fresh, they change nothing of what a pretrained encoder computes."""


class FCN8(SegmentationNetwork):
    """VGG16 as a fully convolutional network.

    Poolings round sizes up and start at the top left, and so does every upsampling: cutting a map to the size of its
    finer neighbour keeps both aligned. Hence any image size works, without padding the image.

    width_multiplier: factor on all channel counts, 1.0 is VGG16. batch_norm: after each convolution up to fc7; with it
    the network learns from scratch. generator: source of the initial weights, torch's global one if None.
    """

    def __init__(
        self,
        num_classes: int,
        width_multiplier: float = 0.25,
        batch_norm: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        check_network_numbers(num_classes, width_multiplier)
        self.num_classes = num_classes
        self.batch_norm = batch_norm
        widths = [[scaled(channels, width_multiplier) for channels in stage] for stage in STAGES]
        inputs = [3, *(stage[-1] for stage in widths[:-1])]
        self.stages = nn.ModuleList(
            _stage(before, stage, batch_norm) for before, stage in zip(inputs, widths, strict=True)
        )
        self.pool = nn.MaxPool2d(2, stride=2, ceil_mode=True)
        fc_channels = scaled(FC_CHANNELS, width_multiplier)
        self.fc6 = nn.Conv2d(widths[4][-1], fc_channels, 7, padding=3)
        self.fc7 = nn.Conv2d(fc_channels, fc_channels, 1)
        self.fc6_norm = BatchNorm(fc_channels) if batch_norm else nn.Identity()
        self.fc7_norm = BatchNorm(fc_channels) if batch_norm else nn.Identity()
        self.activation = nn.Sequential(nn.ReLU(inplace=True), nn.Dropout(DROPOUT))
        self.score_pool3 = nn.Conv2d(widths[2][-1], num_classes, 1)
        self.score_pool4 = nn.Conv2d(widths[3][-1], num_classes, 1)
        self.score_fc7 = nn.Conv2d(fc_channels, num_classes, 1)
        self.upsample_fc7 = _upsampling(num_classes, 2)
        self.upsample_pool4 = _upsampling(num_classes, 2)
        self.upsample_pool3 = _upsampling(num_classes, 8)
        self.initialise(generator)

    def initialise(self, generator: torch.Generator | None = None) -> None:
        """He initialisation of convolutions, zero biases, bilinear kernels for upsampling."""
        initialise_convolutions(self, generator, linear=(self.score_pool3, self.score_pool4, self.score_fc7))
        for module in self.modules():
            if isinstance(module, nn.ConvTranspose2d):
                _set_bilinear(module)

    def forward(self, images: Tensor) -> Tensor:
        """images: (N, 3, H, W) float32, normalised → (N, C, H, W) logits."""
        features = images
        pooled: list[Tensor] = []
        for stage in self.stages:
            features = self.pool(stage(features))
            pooled.append(features)
        features = self.activation(self.fc6_norm(self.fc6(features)))
        features = self.activation(self.fc7_norm(self.fc7(features)))
        scores = self.score_pool4(pooled[3])
        scores = scores + cut_like(self.upsample_fc7(self.score_fc7(features)), scores)
        finer = self.score_pool3(pooled[2])
        scores = finer + cut_like(self.upsample_pool4(scores), finer)
        return cut_like(self.upsample_pool3(scores), images)

    def foreign_weights(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        """Take VGG16 weights under torchvision's names; the score heads then start at zero.

        Activations of a pretrained encoder are large: a random head would drown what it knows.
        """
        encoder = rename_vgg16(weights, self.batch_norm)
        if encoder is None:
            return None
        own = {name: value.detach().clone() for name, value in self.state_dict().items()}
        heads = {name: torch.zeros_like(value) for name, value in own.items() if name.startswith("score_")}
        kept = {name: value for name, value in own.items() if name.startswith(OWN_LAYERS)}
        return {**encoder, **heads, **kept}


def _stage(before: int, widths: list[int], batch_norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in widths:
        layers.append(nn.Conv2d(before, width, 3, padding=1))
        if batch_norm:
            layers.append(BatchNorm(width))
        layers.append(nn.ReLU(inplace=True))
        before = width
    return nn.Sequential(*layers)


def _upsampling(channels: int, factor: int) -> nn.ConvTranspose2d:
    """Learned upsampling of each channel by itself."""
    return nn.ConvTranspose2d(
        channels, channels, 2 * factor, stride=factor, padding=factor // 2, groups=channels, bias=False
    )


def _set_bilinear(layer: nn.ConvTranspose2d) -> None:
    size = layer.kernel_size[0]
    distance = (torch.arange(size) - (size - 1) / 2).abs()
    weights = 1 - distance / (size / 2)
    with torch.no_grad():
        layer.weight.copy_(torch.outer(weights, weights).expand_as(layer.weight))

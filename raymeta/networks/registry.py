"""Networks by the name that a config gives them: `kind`, and for those that raymeta puts together, encoder and head."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import torch
from torch import Tensor, nn

from raymeta.argument_checks import nearest
from raymeta.config import NetworkConfig
from raymeta.config.network import HEAD_KINDS
from raymeta.errors import InputError
from raymeta.networks.architectures.deeplabv3plus import DeepLabV3Plus, DeepLabV3PlusHead
from raymeta.networks.architectures.efficientnet_lite import OUTPUT_STRIDE, EfficientNetLite
from raymeta.networks.architectures.encoder_decoder import EncoderDecoder
from raymeta.networks.architectures.fcn8 import FCN8
from raymeta.networks.architectures.initial_weights import initialise_convolutions
from raymeta.networks.architectures.light_fpn import LightFPN
from raymeta.networks.architectures.lraspp import LRASPP, LRASPPHead
from raymeta.networks.foreign_networks import build_module, build_smp, build_timm_encoder, build_transformers
from raymeta.networks.pretrained_packages import packaged_weights
from raymeta.networks.segmentation_network import CENTRED, InputSpec, SegmentationNetwork
from raymeta.networks.weights import load_start_weights

PACKAGE: Final = "package://imagenet"
"""Value of `network.weights` that names the installed package with the encoder's ImageNet weights."""

TIMM_PREFIX: Final = "timm:"
"""Before the name that timm gives an encoder."""


class Head(Protocol):
    """A decoder: scores at the finest stride from features, finest first."""

    def linear_layers(self) -> tuple[nn.Module, ...]: ...
    def __call__(self, features: Sequence[Tensor]) -> Tensor: ...


HEADS: Final[dict[str, Callable[..., nn.Module]]] = {
    "light_fpn": LightFPN,
    "lraspp": LRASPPHead,
    "deeplabv3plus": DeepLabV3PlusHead,
}
"""Builds a decoder from the encoder's channels, the number of classes and, if wanted, its own channels."""

Builder = Callable[[NetworkConfig, int, torch.Generator, bool], SegmentationNetwork]
"""From a config, the number of classes, the source of initial weights, and whether start weights are wanted."""


def _efficientnet_lite(variant: int) -> Builder:
    def build(
        config: NetworkConfig, num_classes: int, generator: torch.Generator, pretrained: bool
    ) -> SegmentationNetwork:
        encoder = EfficientNetLite(variant)
        initialise_convolutions(encoder, generator)
        return with_head(encoder, encoder.channels, CENTRED, OUTPUT_STRIDE, config, num_classes, generator)

    return build


def _timm(config: NetworkConfig, num_classes: int, generator: torch.Generator, pretrained: bool) -> SegmentationNetwork:
    name = config.kind.removeprefix(TIMM_PREFIX)
    encoder, channels, spec = build_timm_encoder(name, config, pretrained=pretrained)
    return with_head(encoder, channels, spec, config.stride, config, num_classes, generator)


NETWORKS: Final[dict[str, Builder]] = {
    "fcn8": lambda config, num_classes, generator, _: FCN8(
        num_classes, config.width_multiplier, config.batch_norm, generator
    ),
    "deeplabv3plus": lambda config, num_classes, generator, _: DeepLabV3Plus(
        num_classes, config.width_multiplier, generator
    ),
    "lraspp": lambda config, num_classes, generator, _: LRASPP(num_classes, config.width_multiplier, generator),
    "efficientnet_lite0": _efficientnet_lite(0),
    "efficientnet_lite1": _efficientnet_lite(1),
    "efficientnet_lite2": _efficientnet_lite(2),
    "module": lambda config, num_classes, _, pretrained: build_module(config, num_classes),
    "transformers": lambda config, num_classes, _, pretrained: build_transformers(
        config, num_classes, pretrained=pretrained
    ),
    "smp": lambda config, num_classes, _, pretrained: build_smp(config, num_classes, pretrained=pretrained),
}
"""What builds the network of a kind; `timm:NAME` is built from any encoder of timm."""


def with_head(
    encoder: nn.Module,
    channels: Sequence[int],
    spec: InputSpec,
    stride: int,
    config: NetworkConfig,
    num_classes: int,
    generator: torch.Generator,
) -> EncoderDecoder:
    """An encoder and the decoder `config.head`.

    Args:
        encoder: gives features, finest first.
        channels: of the features.
        spec: what the encoder wants pixels to be.
        stride: of its coarsest features.
        config: names head, frozen or fine-tuned encoder, and scale.
        num_classes: C.
        generator: source of the head's initial weights.

    Raises:
        ValueError: no such head, or one that needs more features.
    """
    if config.head not in HEADS:
        raise InputError(f"network.head {config.head!r}: choose one of {', '.join(HEADS)}{nearest(config.head, HEADS)}")
    options = {} if config.head_channels is None else {"channels": config.head_channels}
    try:
        head = HEADS[config.head](tuple(channels), num_classes, **options)
    except (ValueError, IndexError) as error:
        raise InputError(
            f"network.head {config.head!r} can't decode features of {len(channels)} strides ({error}): take light_fpn"
        ) from error
    initialise_convolutions(head, generator, linear=head.linear_layers())  # type: ignore[operator]
    frozen = config.encoder == "frozen"
    return EncoderDecoder(encoder, head, num_classes, spec, stride, frozen=frozen, scale=config.input_scale)


def check_kind(config: NetworkConfig) -> None:
    """Raise InputError where the config names a network that there is not, or freezes an encoder that it hasn't."""
    if config.kind not in NETWORKS and not config.kind.startswith(TIMM_PREFIX):
        known = f"{', '.join(NETWORKS)}, or timm:NAME"
        raise InputError(f"network.kind {config.kind!r}: choose one of {known}{nearest(config.kind, NETWORKS)}")
    if config.encoder == "frozen" and not config.kind.startswith(HEAD_KINDS):
        raise InputError(
            f"network.encoder 'frozen': {config.kind} can't be frozen: take efficientnet_lite0 to 2 or timm:NAME, or "
            "leave network.encoder out"
        )


def build_network(
    config: NetworkConfig, num_classes: int, seed: int, *, pretrained: bool = True
) -> SegmentationNetwork:
    """Network on the CPU with seeded initial weights, or with those that `config.weights` names.

    Same seed, same weights; torch's global random state stays as it is. Stored channels last: that is 15 to 30 %
    faster on CPUs, and what tensor cores want.

    Args:
        config: which network.
        num_classes: C.
        seed: of the initial weights.
        pretrained: False where other weights are loaded next anyway: start weights are then neither read nor loaded.

    Raises:
        ValueError: unknown kind, a missing library, or start weights that don't fit.
    """
    check_kind(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):  # torch's layers draw default weights before ours are set
        torch.manual_seed(seed)  # for networks that are not ours, whose weights stay those
        build = NETWORKS.get(config.kind, _timm)
        network = build(config, num_classes, generator, pretrained)
    if config.weights is not None and pretrained:
        weights = packaged_weights(config.kind) if config.weights == PACKAGE else config.weights
        load_start_weights(network, weights)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's annotations
    return network

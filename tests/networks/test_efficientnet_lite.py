"""EfficientNet-Lite beside the reference implementation of the package efficientnet-lite-pytorch."""

import pytest
import torch

from raymeta.networks.architectures.efficientnet_lite import EfficientNetLite, SameConvolution
from raymeta.networks.pretrained_packages import MissingPackageError, packaged_weights

reference_package = pytest.importorskip("efficientnet_lite_pytorch")

ENDS = {0: (2, 4, 10, 15), 1: (3, 6, 14, 20), 2: (3, 6, 14, 20)}
"""Blocks before each halving, and the last one, counted by hand from 1, 2, 2, 3, 3, 4 and 1 blocks a stage, all but
the first and last times 1.1 or 1.2, rounded up."""


def reference(variant, image_size):
    try:
        weights = torch.load(packaged_weights(f"efficientnet_lite{variant}"), weights_only=True)
    except MissingPackageError as error:
        pytest.skip(str(error))
    network = reference_package.EfficientNet.from_name(f"efficientnet-lite{variant}", image_size=image_size)
    network.load_state_dict(weights)
    return network.eval(), weights


def ours(variant, weights):
    encoder = EfficientNetLite(variant)
    encoder.load_state_dict(encoder.published_weights(weights))
    return encoder.eval()


@pytest.mark.parametrize("variant", [0, 1, 2])
@pytest.mark.parametrize("size", [(64, 64), (65, 97), (70, 51)])  # even, multiples of 32 plus 1, and neither
def test_features_are_those_of_the_reference(variant, size):
    published, weights = reference(variant, None)
    found = []
    for block in ENDS[variant]:
        published._blocks[block].register_forward_hook(lambda module, inputs, output: found.append(output))
    images = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(variant))
    with torch.inference_mode():
        published.extract_features(images)
        features = ours(variant, weights)(images)
    assert [feature.shape for feature in features] == [feature.shape for feature in found]
    for own, expected in zip(features, found, strict=True):
        torch.testing.assert_close(own, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize("variant", [0, 1, 2])
def test_parameters_are_those_of_the_reference_without_its_class_scores(variant):
    published, weights = reference(variant, None)
    head = 320 * 1280 if variant < 2 else published._conv_head.weight.numel()
    head += 2 * 1280 + 1000 * 1280 + 1000
    total = sum(parameter.numel() for parameter in published.parameters())
    assert sum(parameter.numel() for parameter in ours(variant, weights).parameters()) == total - head


def test_timm_names_its_weights_by_stage():
    """The same tensors under timm's names, made here by the stages' numbers of blocks."""
    encoder = EfficientNetLite(0)
    published = {f"{place}.{key}": value for place, own in timm_layers() for key, value in tensors(encoder, own)}
    published |= {"classifier.weight": torch.zeros(1000, 1280), "classifier.bias": torch.zeros(1000)}
    published |= {"conv_head.weight": torch.zeros(1280, 320, 1, 1), "bn2.weight": torch.zeros(1280)}
    renamed = encoder.published_weights(published)
    assert all(torch.equal(renamed[name], value) for name, value in encoder.state_dict().items())
    with pytest.raises(ValueError, match=r"blocks\.6\.0"):
        encoder.published_weights({name: v for name, v in published.items() if "blocks.6.0.conv_pw." not in name})


def timm_layers():
    """timm's place of each layer and ours."""
    yield from (("conv_stem", "stem.0"), ("bn1", "stem.1"))
    number = 0
    for stage, count in enumerate((1, 2, 2, 3, 3, 4, 1)):
        for repeat in range(count):
            layers = ("expand", "depthwise", "project") if number else ("depthwise", "project")
            convolutions = ("conv_pw", "conv_dw", "conv_pwl") if number else ("conv_dw", "conv_pw")
            for place, (layer, convolution) in enumerate(zip(layers, convolutions, strict=True), start=1):
                yield f"blocks.{stage}.{repeat}.{convolution}", f"blocks.{number}.{layer}.0"
                yield f"blocks.{stage}.{repeat}.bn{place}", f"blocks.{number}.{layer}.1"
            number += 1


def tensors(encoder, layer):
    state = encoder.get_submodule(layer).state_dict()
    return state.items()


def test_a_file_of_another_variant_is_refused():
    _, weights = reference(1, None)
    with pytest.raises(ValueError, match="EfficientNet-Lite 0"):
        EfficientNetLite(0).published_weights(weights)


def test_same_padding_puts_the_odd_zero_last():
    """Ones on 4 pixels, kernel 3, stride 2: windows 0-2 and 2-4, of which pixel 4 is a zero; on 5 pixels -1 to 1, …"""
    layer = SameConvolution(1, 1, 3, stride=2, bias=False)
    torch.nn.init.ones_(layer.weight)
    with torch.inference_mode():
        assert layer(torch.ones(1, 1, 4, 4))[0, 0].tolist() == [[9, 6], [6, 4]]
        assert layer(torch.ones(1, 1, 5, 5))[0, 0].tolist() == [[4, 6, 4], [6, 9, 6], [4, 6, 4]]


def test_an_unknown_variant_is_named():
    with pytest.raises(ValueError, match="efficientnet_lite7"):
        EfficientNetLite(7)


def test_weights_that_no_package_brings():
    with pytest.raises(MissingPackageError, match="fcn8"):
        packaged_weights("fcn8")

"""Parameter counts, derived by hand from the published architectures."""

import pytest
import torch

from raymeta.networks.architectures.deeplabv3plus import DeepLabV3Plus
from raymeta.networks.architectures.fcn8 import FCN8
from raymeta.networks.architectures.lraspp import LRASPP
from raymeta.networks.architectures.xception65 import Xception65

CITYSCAPES, PASCAL = 19, 21


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def counted(network, *prefixes):
    return sum(p.numel() for name, p in network.named_parameters() if name.startswith(prefixes))


def normalised(before, after, size=1):
    """A convolution without bias, and scale and shift of its batch norm."""
    return size * size * before * after + 2 * after


def separable(before, after):
    """Depthwise 3×3 and pointwise convolution, each with batch norm."""
    return 9 * before + 2 * before + before * after + 2 * after


@pytest.fixture(scope="module")
def deeplab():
    return DeepLabV3Plus(CITYSCAPES)


def test_vgg16_convolutions():
    """VGG16 (arXiv:1409.1556, Table 1 D) without its linear layers has 14,714,688 parameters.

    3→64 1,792; 64→64 36,928; 64→128 73,856; 128→128 147,584; 128→256 295,168; twice 256→256 590,080; 256→512
    1,180,160; five times 512→512 2,359,808.
    """
    network = FCN8(PASCAL, 1.0)
    expected = 1_792 + 36_928 + 73_856 + 147_584 + 295_168 + 2 * 590_080 + 1_180_160 + 5 * 2_359_808
    assert counted(network, "stages.") == expected == 14_714_688
    assert len([m for m in network.stages.modules() if isinstance(m, torch.nn.Conv2d)]) == 13


def test_fcn8_with_21_classes():
    """FCN-8s (arXiv:1411.4038) has 134 million parameters.

    fc6 512·7²·4096 + 4096 = 102,764,544; fc7 4096² + 4096 = 16,781,312: with the encoder VGG16's 138,357,544 without
    its 4,097,000 for 1000 class scores. Scores (4096 + 512 + 256)·21 + 3·21 = 102,207. Upsampling, one kernel a
    class: 21·(2·4² + 16²) = 6,048.
    """
    network = FCN8(PASCAL, 1.0)
    assert counted(network, "stages.", "fc6.", "fc7.") == 138_357_544 - 4_097_000 == 134_260_544
    assert counted(network, "score_") == 102_207
    assert counted(network, "upsample_") == 6_048
    assert count(network) == 134_368_799


def test_xception65():
    """timm's xception65 has 39,916,312 parameters, 2,049,000 of them for 1000 class scores: 37,867,312 without.

    By unit, from arXiv:1802.02611, Fig. 4: shortcuts are convolutions where the size or the channels change.
    """
    stem = normalised(3, 32, 3) + normalised(32, 64, 3)
    entry = sum(
        separable(before, after) + 2 * separable(after, after) + normalised(before, after)
        for before, after in ((64, 128), (128, 256), (256, 728))
    )
    middle = 16 * 3 * separable(728, 728)
    wider = separable(728, 728) + separable(728, 1024) + separable(1024, 1024) + normalised(728, 1024)
    last = separable(1024, 1536) + separable(1536, 1536) + separable(1536, 2048)
    assert stem + entry + middle + wider + last == 39_916_312 - 2_049_000
    assert count(Xception65()) == 37_867_312


def test_xception65_has_65_convolutions_in_a_row():
    """Two in the stem, 3 in each of 21 units; a separable convolution is one."""
    network = Xception65()
    assert len(network.stem) + sum(len(unit.convolutions) for unit in network.units) == 65
    assert [number for number, unit in enumerate(network.units) if unit.shortcut is not None] == [0, 1, 2, 19]


def test_deeplabv3plus(deeplab):
    """Xception65 37,867,312; pyramid 3,019,776; decoder 162,928; scores 256·19 + 19: 41,054,899.

    Pyramid of 256 channels: a point convolution, three separable ones and image pooling on 2048 channels, joined from
    5·256. Decoder: 48 channels from the 256 of stride 4, then two separable convolutions.
    """
    pyramid = 2 * normalised(2048, 256) + 3 * separable(2048, 256) + normalised(5 * 256, 256)
    decoder = normalised(256, 48) + separable(256 + 48, 256) + separable(256, 256)
    assert counted(deeplab, "pyramid.") == pyramid == 3_019_776
    assert counted(deeplab, "low_level.", "decoder.") == decoder == 162_928
    assert count(deeplab) == 37_867_312 + pyramid + decoder + 4_883 == 41_054_899


def test_deeplabv3plus_strides(deeplab):
    """Output stride 16, low-level features at stride 4; rates 6, 12, 18, and 2 in the encoder's last unit."""
    features, low_level = deeplab.encoder.eval()(torch.zeros(1, 3, 97, 65))
    assert features.shape == (1, 2048, 7, 5)
    assert low_level.shape == (1, 256, 25, 17)
    assert [branch.depthwise.dilation for branch in deeplab.pyramid.atrous] == [(6, 6), (12, 12), (18, 18)]
    rates = [convolution.depthwise.dilation for unit in deeplab.encoder.units for convolution in unit.convolutions]
    assert rates == [(1, 1)] * 60 + [(2, 2)] * 3


def inverted_residual(before, after, expansion):
    hidden = before * expansion
    expand = normalised(before, hidden) if expansion > 1 else 0
    return expand + 9 * hidden + 2 * hidden + normalised(hidden, after)


def test_mobilenetv2():
    """torchvision's mobilenet_v2 has 3,504,872 parameters.

    1,281,000 of them are 1000 class scores, 412,160 the last convolution (320→1280), which the encoder leaves out.
    """
    widths = [16, *[24] * 2, *[32] * 3, *[64] * 4, *[96] * 3, *[160] * 3, 320]
    blocks = sum(
        inverted_residual(before, after, 6 if number else 1)
        for number, (before, after) in enumerate(zip([32, *widths], widths, strict=False))
    )
    encoder = LRASPP(CITYSCAPES, 1.0).encoder
    assert normalised(3, 32, 3) + blocks == 3_504_872 - 1_281_000 - 412_160
    assert count(encoder) == 1_811_712
    fine, middle, coarse = encoder.eval()(torch.zeros(1, 3, 97, 65))
    assert [features.shape[1:] for features in (fine, middle, coarse)] == [(24, 25, 17), (32, 13, 9), (320, 7, 5)]

"""timm's xception65 and torchvision's mobilenet_v2 as start weights."""

import pytest
import torch
from published_checkpoints import (
    checkpoint,
    mobilenetv2_features,
    mobilenetv2_shapes,
    parameter_count,
    xception65_features,
    xception65_shapes,
)

from raymeta.networks.architectures.deeplabv3plus import DeepLabV3Plus
from raymeta.networks.architectures.fcn8 import FCN8
from raymeta.networks.architectures.lraspp import LRASPP
from raymeta.networks.inference import normalise
from raymeta.networks.weights import WeightsError, load_start_weights

EIGHTH = 0.125


def save(folder, weights, name="weights.pth"):
    torch.save(weights, folder / name)
    return folder / name


def pixels(height, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (1, height, width, 3), generator=generator, dtype=torch.uint8)


def test_the_lists_are_those_of_the_published_files():
    """Numbers of timm and torchvision: tensors of the state dict, parameters of the network."""
    xception65, mobilenetv2 = xception65_shapes(), mobilenetv2_shapes()
    assert (len(xception65), parameter_count(xception65)) == (794, 39_916_312)
    assert (len(mobilenetv2), parameter_count(mobilenetv2)) == (314, 3_504_872)


@pytest.mark.slow
def test_xception65_of_full_width(tmp_path):
    weights = checkpoint(xception65_shapes())
    network = DeepLabV3Plus(19)
    load_start_weights(network, save(tmp_path, weights))
    last = network.encoder.units[20].convolutions[2]
    assert torch.equal(last.pointwise.weight, weights["blocks.20.stack.conv3.conv_pw.weight"])
    assert torch.equal(last.pointwise_norm.running_var, weights["blocks.20.stack.conv3.bn_pw.running_var"])


def test_xception65_takes_its_own_colours_exactly(tmp_path):
    """The first convolution sees the same: away from the border to rounding."""
    weights = checkpoint(xception65_shapes(divisor=8))
    network = DeepLabV3Plus(3, EIGHTH)
    load_start_weights(network, save(tmp_path, weights))
    image = pixels(33, 41)
    timm_image = image.permute(0, 3, 1, 2) / 127.5 - 1
    kernel = weights["stem.0.conv.weight"]
    expected = torch.nn.functional.conv2d(timm_image, kernel, stride=2, padding=1)
    statistics = [weights[f"stem.0.bn.{key}"] for key in ("running_mean", "running_var", "weight", "bias")]
    expected = torch.nn.functional.batch_norm(expected, *statistics, eps=1e-3).relu()
    found = network.encoder.stem[0].eval()(normalise(image, "cpu"))
    torch.testing.assert_close(found[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1], rtol=1e-4, atol=1e-4)


def test_xception65_layer_for_layer(tmp_path):
    """With the colour conversion undone, all 65 convolutions give what the file's own formula gives."""
    weights = checkpoint(xception65_shapes(divisor=8))
    network = DeepLabV3Plus(3, EIGHTH)
    load_start_weights(network, save(tmp_path, weights))
    stem = network.encoder.stem[0]
    with torch.no_grad():
        stem[0].weight.copy_(weights["stem.0.conv.weight"])
        stem[1].running_mean.copy_(weights["stem.0.bn.running_mean"])
        images = torch.randn(2, 3, 65, 49, generator=torch.Generator().manual_seed(3))
        features, _ = network.encoder.eval()(images)
        expected = xception65_features(weights, images)
    torch.testing.assert_close(features, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))


def test_mobilenetv2_computes_what_the_file_does(tmp_path):
    weights = checkpoint(mobilenetv2_shapes())
    network = LRASPP(3, 1.0)
    load_start_weights(network, save(tmp_path, weights))
    images = torch.randn(1, 3, 65, 49, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        fine, middle, coarse = network.encoder.eval()(images)
        expected = mobilenetv2_features(weights, images)
    torch.testing.assert_close(fine, expected[2], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(middle, expected[5], rtol=1e-3, atol=1e-4)
    # The file's network halves once more where ours is atrous: its cells are every second one of ours.
    assert coarse.shape == (1, 320, 5, 4)
    torch.testing.assert_close(coarse[..., ::2, ::2], expected[16], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("build", [lambda: DeepLabV3Plus(3, EIGHTH), lambda: LRASPP(3, 1.0)])
def test_what_is_no_encoder_keeps_its_initial_weights(build, tmp_path):
    network = build()
    before = {k: v.clone() for k, v in network.state_dict().items() if not k.startswith("encoder.")}
    shapes = xception65_shapes(8) if isinstance(network, DeepLabV3Plus) else mobilenetv2_shapes()
    load_start_weights(network, save(tmp_path, checkpoint(shapes)))
    assert all(torch.equal(network.state_dict()[name], value) for name, value in before.items())


def changed(shapes, drop=(), **add):
    kept = {name: shape for name, shape in shapes.items() if not name.startswith(tuple(drop))} if drop else shapes
    return checkpoint(kept | {name.replace("__", "."): shape for name, shape in add.items()})


@pytest.mark.parametrize(
    ("build", "weights", "message"),
    [
        (
            lambda: DeepLabV3Plus(3, EIGHTH),
            changed(xception65_shapes(8), drop=[f"blocks.{block}." for block in range(11, 19)]),  # xception41
            r"no complete timm xception65: missing blocks\.11\.stack\.conv1\.bn_dw\.bias, .* and 234 more",
        ),
        (
            lambda: DeepLabV3Plus(3, EIGHTH),
            changed(xception65_shapes(8), blocks__0__norm__weight=(8,)),  # xception65p
            r"unknown blocks\.0\.norm\.weight",
        ),
        (
            lambda: DeepLabV3Plus(3, EIGHTH),
            changed(xception65_shapes(8), stem__0__conv__weight=(4, 1, 3, 3)),  # grey images
            r"encoder\.stem\.0\.0\.weight \(4, 1, 3, 3\) instead of \(4, 3, 3, 3\)",
        ),
        (lambda: DeepLabV3Plus(3, 0.0625), checkpoint(xception65_shapes(8)), r"other shape: encoder\.stem.*more"),
        (lambda: DeepLabV3Plus(3, EIGHTH), checkpoint(mobilenetv2_shapes()), r"missing: decoder.*unknown: classifier"),
        (
            lambda: LRASPP(3, 1.0),
            changed(mobilenetv2_shapes(), drop=["features.17."]),
            r"no complete torchvision mobilenet_v2: missing features\.17\.conv\.0\.0\.weight",
        ),
        (lambda: LRASPP(3, 0.5), checkpoint(mobilenetv2_shapes()), r"\(32, 3, 3, 3\) instead of \(16, 3, 3, 3\)"),
        (lambda: FCN8(3, 0.0625), checkpoint(mobilenetv2_shapes()), r"missing: fc6\.bias, .*unknown: classifier"),
    ],
)
def test_what_does_not_match_is_named_and_nothing_is_loaded(build, weights, message, tmp_path):
    network = build()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(WeightsError, match=message):
        load_start_weights(network, save(tmp_path, weights))
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_files_without_batch_counters(tmp_path):
    weights = {k: v for k, v in checkpoint(xception65_shapes(8)).items() if not k.endswith("num_batches_tracked")}
    network = DeepLabV3Plus(3, EIGHTH)
    load_start_weights(network, save(tmp_path, weights))
    assert network.encoder.stem[0][1].num_batches_tracked == 0


def test_uri(tmp_path):
    trained = LRASPP(3, EIGHTH)
    path = save(tmp_path, trained.state_dict(), "network.pt")
    network = LRASPP(3, EIGHTH)
    load_start_weights(network, path.as_uri())
    assert torch.equal(network.score_fine.weight, trained.score_fine.weight)
    with pytest.raises(WeightsError, match=r"none\.pt don't exist: correct network\.weights"):
        load_start_weights(network, (tmp_path / "none.pt").as_uri())
    with pytest.raises(WeightsError, match=r"nosuch://bucket/network\.pt can't be read"):
        load_start_weights(network, "nosuch://bucket/network.pt")

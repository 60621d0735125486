"""Start weights; VGG16 files are made up, under torchvision's names and shapes."""

import pytest
import torch
from torch import nn

from raymeta.networks.architectures.fcn8 import FCN8
from raymeta.networks.weights import WeightsError, load_start_weights

VGG16 = (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M")


def vgg16(batch_norm, width):
    """A VGG16 as torchvision builds and names it, with random weights."""
    layers, before = [], 3
    for channels in VGG16:
        if channels == "M":
            layers.append(nn.MaxPool2d(2))
            continue
        after = int(channels * width)
        layers += [nn.Conv2d(before, after, 3, padding=1), *([nn.BatchNorm2d(after)] if batch_norm else []), nn.ReLU()]
        before = after
    wide = int(4096 * width)
    classifier = [nn.Linear(before * 49, wide), nn.ReLU(), nn.Dropout(), nn.Linear(wide, wide), nn.ReLU(), nn.Dropout()]
    network = nn.Module()
    network.features = nn.Sequential(*layers)
    network.classifier = nn.Sequential(*classifier, nn.Linear(wide, 1000))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return network.eval()


def save(tmp_path, weights):
    path = tmp_path / "weights.pt"
    torch.save(weights, path)
    return path


@pytest.mark.parametrize("batch_norm", [False, True])
def test_vgg16_computes_the_same_in_fcn8(batch_norm, tmp_path):
    source = vgg16(batch_norm, 0.0625)
    network = FCN8(3, 0.0625, batch_norm)
    load_start_weights(network, save(tmp_path, source.state_dict()))
    network.eval()
    image = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        features = image
        for stage in network.stages:
            features = network.pool(stage(features))
        torch.testing.assert_close(features, source.features(image))
        # The centre of fc6 sees the whole 7×7 map, as the linear layer does.
        hidden = network.activation(network.fc7(network.activation(network.fc6(features))))[0, :, 3, 3]
        torch.testing.assert_close(hidden, source.classifier[:5](features.flatten(1))[0], rtol=1e-4, atol=1e-6)
        assert not network(image).any()  # the heads start at zero


@pytest.mark.slow
@pytest.mark.parametrize("batch_norm", [False, True])
def test_vgg16_of_full_width(batch_norm, tmp_path):
    with torch.device("meta"):
        expected = vgg16(batch_norm, 1.0).state_dict()
    assert expected["classifier.0.weight"].shape == (4096, 25088)
    weights = {name: torch.empty(value.shape, dtype=value.dtype).fill_(0.5) for name, value in expected.items()}
    network = FCN8(11, 1.0, batch_norm)
    load_start_weights(network, save(tmp_path, weights))
    assert network.fc6.weight.shape == (4096, 512, 7, 7)
    assert all((value == 0.5).all() for name, value in network.fc7.named_parameters())


def test_old_files_count_no_batches(tmp_path):
    weights = {k: v for k, v in vgg16(True, 0.0625).state_dict().items() if "num_batches" not in k}
    load_start_weights(FCN8(3, 0.0625, True), save(tmp_path, weights))


def broken(**changes):
    weights = FCN8(3, 0.0625).state_dict()
    for name, value in changes.items():
        name = name.replace("__", ".")
        if value is None:
            del weights[name]
        else:
            weights[name] = value
    return weights


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (broken(fc6__weight=None), r"missing: fc6\.weight"),
        (broken(extra__bias=torch.zeros(1)), r"unknown: extra\.bias"),
        (broken(fc7__bias=torch.zeros(3)), r"other shape: fc7\.bias \(3,\) instead of \(256,\)"),
        ({"state_dict": {}}, "no tensors under state_dict"),
        ([1, 2], "list"),
        ({}, "no tensors"),
        (FCN8(4, 0.0625).state_dict(), r"score_fc7\.weight \(4, 256, 1, 1\) instead of \(3, 256, 1, 1\)"),
        (vgg16(True, 0.0625).state_dict(), r"set network\.batch_norm to true"),
        (vgg16(False, 0.125).state_dict(), r"stages\.0\.0\.weight \(8, 3, 3, 3\) instead of \(4, 3, 3, 3\)"),
        ({"features.0.weight": torch.zeros(4, 3, 3, 3)}, r"missing classifier\.0\.bias, .* and 23 more"),
    ],
)
def test_what_does_not_match_is_named(weights, message, tmp_path):
    network = FCN8(3, 0.0625)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(WeightsError, match=message):
        load_start_weights(network, save(tmp_path, weights))
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_files_that_are_no_weights(tmp_path):
    network = FCN8(3, 0.0625)
    with pytest.raises(WeightsError, match="don't exist"):
        load_start_weights(network, tmp_path / "none.pt")
    (tmp_path / "text.pt").write_text("no weights")
    with pytest.raises(WeightsError, match="can't be read"):
        load_start_weights(network, tmp_path / "text.pt")
    whole = save(tmp_path, network.state_dict())
    whole.write_bytes(whole.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="can't be read"):
        load_start_weights(network, whole)


def test_code_in_a_file_is_not_run(tmp_path):
    path = save(tmp_path, nn.Linear(2, 2))
    with pytest.raises(WeightsError, match="can't be read"):
        load_start_weights(FCN8(3, 0.0625), path)

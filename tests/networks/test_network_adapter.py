"""Any module behind the seam: strides, answers, batch norms, features, and what is wrong said by name."""

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from raymeta.config import NetworkConfig
from raymeta.errors import InputError
from raymeta.networks import optional_libraries
from raymeta.networks.batch_norm import batch_norms, set_batch_norm_mode
from raymeta.networks.network_adapter import NetworkAdapter
from raymeta.networks.registry import build_network
from raymeta.networks.segmentation_network import IMAGENET, InputSpec, pooled
from raymeta.networks.trial import network_warnings, try_network


class Blocks(nn.Module):
    """The mean colour of each block of `stride` pixels as two classes, and the places of the sizes it was given."""

    def __init__(self, stride):
        super().__init__()
        self.pool = nn.AvgPool2d(stride)
        self.scale = nn.Parameter(torch.ones(()))
        self.sizes = []

    def forward(self, images):
        self.sizes.append(tuple(images.shape[-2:]))
        mean = self.pool(images).mean(dim=1, keepdim=True)
        return self.scale * torch.cat([mean, -mean], dim=1)


def module_config(factory="half_size", **values):
    return NetworkConfig(kind="module", factory=f"tiny_module:{factory}", **values)


@pytest.mark.parametrize("stride", [1, 4, 8])
def test_logits_of_any_stride_lie_on_their_pixels(stride):
    """A ramp's block means, resized, are the ramp again away from the border."""
    network = NetworkAdapter(Blocks(stride), 2, stride=8)
    ramp = torch.arange(30.0).expand(1, 3, 21, 30)
    logits = network(ramp)
    assert logits.shape == (1, 2, 21, 30)
    assert network.module.sizes == [(24, 32)]
    torch.testing.assert_close(logits[0, 0, :12, stride:20], ramp[0, 0, :12, stride:20])


@pytest.mark.parametrize("answer", ["tensor", "out", "tuple"])
def test_logits_are_found_in_what_networks_give(answer):
    networks = [build_network(module_config(options={"answer": given}), 3, 5).eval() for given in (answer, "tensor")]
    images = torch.randn(1, 3, 9, 13)
    with torch.inference_mode():
        assert torch.equal(networks[0](images), networks[1](images))


def test_batch_norms_become_ours_and_compute_the_same():
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4, eps=1e-2, momentum=0.3), nn.Conv2d(4, 2, 1))
    images = torch.randn(2, 3, 8, 8)
    expected = plain(images)
    adapted = NetworkAdapter(plain, 2, stride=1)
    set_batch_norm_mode(adapted, "train")
    (layer,) = batch_norms(adapted)
    assert (layer.eps, layer.momentum) == (1e-2, 0.3)
    torch.testing.assert_close(adapted(images), expected)
    statistics = layer.running_mean.clone()
    set_batch_norm_mode(adapted, "frozen")
    adapted.train()(images)
    assert torch.equal(layer.running_mean, statistics)


def test_batch_norms_that_know_no_mode_are_named():
    class Own(nn.BatchNorm2d):
        pass

    adapted = NetworkAdapter(nn.Sequential(Own(3), nn.Conv2d(3, 2, 1)), 2, stride=1)
    set_batch_norm_mode(adapted, "train")
    with pytest.raises(InputError, match="Own"):
        set_batch_norm_mode(adapted, "frozen")


def test_pooled_features_are_means_of_at_most_256_numbers():
    features = torch.arange(2 * 300 * 4.0).reshape(2, 300, 2, 2)
    means = features.mean(dim=(2, 3))
    found = pooled(features)
    assert found.shape == (2, 256)
    torch.testing.assert_close(found[:, 0], means[:, :2].mean(dim=1))  # 300 = 44·2 + 212
    torch.testing.assert_close(found[:, -1], means[:, -1])
    assert torch.equal(pooled(features[:, :7]), means[:, :7])
    tokens = features.flatten(2).transpose(1, 2)  # as transformers give them
    assert torch.equal(pooled(tokens[..., :7]), means[:, :7])


def test_features_of_a_named_layer():
    network = build_network(module_config(feature_layer="body.0"), 3, 0).eval()
    with torch.inference_mode():
        found = network.pooled_features(torch.zeros(2, 3, 32, 32))
    torch.testing.assert_close(found, network.module.body[0].bias.detach().expand(2, -1))
    assert build_network(module_config(), 3, 0).pooled_features(torch.zeros(1, 3, 8, 8)) is None
    with pytest.raises(InputError, match=r"body\.9.*body\.0"):
        build_network(module_config(feature_layer="body.9"), 3, 0)


def test_colours_are_those_of_the_config():
    assert build_network(module_config(), 3, 0).spec == IMAGENET
    network = build_network(module_config(mean=(1.0, 2.0, 3.0), std=(4.0, 5.0, 6.0)), 3, 0)
    assert network.spec == InputSpec((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))


def test_weights_under_the_names_of_the_module(tmp_path):
    plain = build_network(module_config(), 3, 7).module
    torch.save(plain.state_dict(), tmp_path / "mine.pt")
    loaded = build_network(module_config(weights=str(tmp_path / "mine.pt")), 3, 0)
    assert all(torch.equal(value, loaded.module.state_dict()[name]) for name, value in plain.state_dict().items())


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"kind": "module"}, "factory"),
        ({"kind": "module", "factory": "tiny_module"}, "tiny_module"),
        ({"kind": "module", "factory": "no_such_module_at_all:build"}, "no_such_module_at_all"),
        ({"kind": "module", "factory": "tiny_module:nothing"}, "nothing"),
        ({"kind": "module", "factory": "tiny_module:fails"}, "KeyError"),
        ({"kind": "module", "factory": "tiny_module:no_module"}, "list"),
        ({"kind": "module", "factory": "tiny_module:half_size", "options": {"depth": 3}}, "depth"),
        ({"kind": "module", "factory": "tiny_module:half_size", "options": {"answer": "text"}}, "'out' or 'logits'"),
        ({"kind": "module", "factory": "tiny_module:half_size", "stride": 1}, "AssertionError"),
        ({"kind": "module", "factory": "tiny_module:nan_maker"}, "not finite"),
        ({"kind": "transformers"}, "source"),
        ({"kind": "segnet"}, "segnet"),
        ({"kind": "efficientnet_lite0", "head": "psp"}, "psp"),
        ({"kind": "efficientnet_lite0", "weights": "nowhere.pt"}, "nowhere.pt"),
        ({"kind": "fcn8", "weights": "package://imagenet"}, "fcn8"),
        ({"kind": "fcn8", "encoder": "frozen", "weights": "any.pt"}, "fcn8"),
    ],
)
def test_a_network_that_does_not_work_is_told_by_name(values, named):
    with pytest.raises(InputError, match=named):
        try_network(NetworkConfig(**values), 3, 0, 21, 33)


@pytest.mark.parametrize("kind", ["transformers", "smp", "timm:resnet18"])
def test_a_missing_library_is_told_by_name(kind, monkeypatch):
    name = {"smp": "segmentation_models_pytorch"}.get(kind, kind.split(":")[0])
    monkeypatch.setitem(sys.modules, name, None)  # importing it fails
    with pytest.raises(InputError, match=name):
        build_network(NetworkConfig(kind=kind, source="somewhere"), 3, 0)


def test_transformers_names_what_it_cannot_open(tmp_path):
    pytest.importorskip("transformers")
    with pytest.raises(InputError, match="save_pretrained"):
        build_network(NetworkConfig(kind="transformers", source=str(tmp_path)), 3, 0)
    folder = str(Path(__file__).parents[1] / "fixtures/segformer")
    assert build_network(NetworkConfig(kind="transformers", source=folder), 3, 0).spec.std == (63.75,) * 3


def test_torchvision_that_loads_is_left_alone():
    optional_libraries._let_torchvision_load()
    assert len(optional_libraries._LIBRARIES) <= 1


def test_the_trial_leaves_random_numbers_alone():
    before = torch.get_rng_state()
    network = try_network(module_config(), 3, 0, 16, 16)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_probabilities_in_place_of_logits_are_told():
    for answer, warned in (("softmax", True), ("tensor", False)):
        config = module_config(options={"answer": answer})
        warnings = network_warnings(try_network(config, 3, 0, 16, 16), config)
        assert any("softmax" in warning for warning in warnings) is warned


def test_a_mean_of_0_to_1_is_told():
    small, right = ({"mean": [0.5 * f] * 3, "std": [0.2 * f] * 3} for f in (1, 255))
    for values, count in ((small, 1), (right, 0)):
        config = module_config(**values)
        assert len(network_warnings(try_network(config, 3, 0, 16, 16), config)) == count

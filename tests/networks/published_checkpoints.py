"""Public checkpoints made up: exactly their names and shapes, random values, and what they compute.

Listed from timm 1.0 (`xception65`) and torchvision 0.29 (`mobilenet_v2`), without using their code or ours.
"""

import torch
from torch import Tensor
from torch.nn import functional

Shapes = dict[str, tuple[int, ...]]

XCEPTION65_UNITS = (
    (64, (128, 128, 128)),
    (128, (256, 256, 256)),
    (256, (728, 728, 728)),
    *[(728, (728, 728, 728))] * 16,
    (728, (728, 1024, 1024)),
    (1024, (1536, 1536, 2048)),
)
"""Input and output channels of each block."""
XCEPTION65_SHORTCUTS = {0: 2, 1: 2, 2: 2, 19: 1}
"""Stride of each block with a convolution beside it, at output stride 16."""
MOBILENETV2_BLOCKS = (
    (32, 16, 1, 1), (16, 24, 6, 2), (24, 24, 6, 1), (24, 32, 6, 2), (32, 32, 6, 1), (32, 32, 6, 1),
    (32, 64, 6, 2), (64, 64, 6, 1), (64, 64, 6, 1), (64, 64, 6, 1), (64, 96, 6, 1), (96, 96, 6, 1), (96, 96, 6, 1),
    (96, 160, 6, 2), (160, 160, 6, 1), (160, 160, 6, 1), (160, 320, 6, 1),
)  # fmt: skip
"""Input channels, output channels, expansion and stride of each block."""


def batch_norm_shapes(name: str, channels: int) -> Shapes:
    keys = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{key}": (channels,) for key in keys} | {f"{name}.num_batches_tracked": ()}


def xception65_shapes(divisor: int = 1) -> Shapes:
    """divisor: of all channel counts; their quotients must be whole. 1 is the published checkpoint."""
    thin = {channels: channels // divisor for channels in (3, 32, 64, 128, 256, 728, 1024, 1536, 2048)} | {3: 3}
    shapes: Shapes = {}
    for number, (before, after) in enumerate(((3, 32), (32, 64))):
        shapes[f"stem.{number}.conv.weight"] = (thin[after], thin[before], 3, 3)
        shapes |= batch_norm_shapes(f"stem.{number}.bn", thin[after])
    for block, (before, widths) in enumerate(XCEPTION65_UNITS):
        if block in XCEPTION65_SHORTCUTS:
            shapes[f"blocks.{block}.shortcut.conv.weight"] = (thin[widths[2]], thin[before], 1, 1)
            shapes |= batch_norm_shapes(f"blocks.{block}.shortcut.bn", thin[widths[2]])
        for number, (inputs, outputs) in enumerate(zip((before, *widths), widths, strict=False), start=1):
            name = f"blocks.{block}.stack.conv{number}"
            shapes[f"{name}.conv_dw.weight"] = (thin[inputs], 1, 3, 3)
            shapes |= batch_norm_shapes(f"{name}.bn_dw", thin[inputs])
            shapes[f"{name}.conv_pw.weight"] = (thin[outputs], thin[inputs], 1, 1)
            shapes |= batch_norm_shapes(f"{name}.bn_pw", thin[outputs])
    return shapes | {"head.fc.weight": (1000, thin[2048]), "head.fc.bias": (1000,)}


def mobilenetv2_shapes() -> Shapes:
    shapes: Shapes = {"features.0.0.weight": (32, 3, 3, 3), **batch_norm_shapes("features.0.1", 32)}
    for block, (before, after, expansion, _) in enumerate(MOBILENETV2_BLOCKS, start=1):
        hidden, name = before * expansion, f"features.{block}.conv"
        place = 0
        if expansion > 1:
            shapes[f"{name}.0.0.weight"] = (hidden, before, 1, 1)
            shapes |= batch_norm_shapes(f"{name}.0.1", hidden)
            place = 1
        shapes[f"{name}.{place}.0.weight"] = (hidden, 1, 3, 3)
        shapes |= batch_norm_shapes(f"{name}.{place}.1", hidden)
        shapes[f"{name}.{place + 1}.weight"] = (after, hidden, 1, 1)
        shapes |= batch_norm_shapes(f"{name}.{place + 2}", after)
    shapes["features.18.0.weight"] = (1280, 320, 1, 1)
    shapes |= batch_norm_shapes("features.18.1", 1280)
    return shapes | {"classifier.1.weight": (1000, 1280), "classifier.1.bias": (1000,)}


def checkpoint(shapes: Shapes, seed: int = 0) -> dict[str, Tensor]:
    """Random weights of these names and shapes; variances are positive, convolutions keep their input's scale."""
    generator = torch.Generator().manual_seed(seed)
    weights: dict[str, Tensor] = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            weights[name] = torch.tensor(7)
        elif len(shape) == 1:
            spread = torch.rand(shape, generator=generator)
            weights[name] = spread + 0.5 if name.endswith(("weight", "running_var")) else spread - 0.5
        else:
            inputs = torch.Size(shape[1:]).numel()
            weights[name] = torch.randn(shape, generator=generator) * (2 / inputs) ** 0.5
    return weights


def parameter_count(shapes: Shapes) -> int:
    """Numbers that are trained: all but statistics."""
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    return sum(torch.Size(shape).numel() for name, shape in shapes.items() if not name.endswith(statistics))


def convolved(weights: dict[str, Tensor], name: str, norm: str, features: Tensor, eps: float, **options) -> Tensor:
    """Convolution and batch norm in evaluation, by the names of their tensors."""
    features = functional.conv2d(features, weights[f"{name}.weight"], **options)
    mean, variance, weight, bias = (
        weights[f"{norm}.{key}"] for key in ("running_mean", "running_var", "weight", "bias")
    )
    return functional.batch_norm(features, mean, variance, weight, bias, eps=eps)


def xception65_features(weights: dict[str, Tensor], images: Tensor) -> Tensor:
    """What the checkpoint computes at output stride 16; images: (N, 3, H, W) in [-1, 1]."""
    features = images
    for number in range(2):
        name = f"stem.{number}"
        features = convolved(weights, f"{name}.conv", f"{name}.bn", features, 1e-3, stride=2 - number, padding=1).relu()
    for block in range(21):
        branch, last = features, block == 20
        for number in (1, 2, 3):
            name = f"blocks.{block}.stack.conv{number}"
            rate = 2 if last else 1
            stride = 2 if number == 3 and block < 3 else 1
            branch = branch if last else branch.relu()
            options = {"stride": stride, "padding": rate, "dilation": rate, "groups": branch.shape[1]}
            branch = convolved(weights, f"{name}.conv_dw", f"{name}.bn_dw", branch, 1e-3, **options)
            branch = branch.relu() if last else branch
            branch = convolved(weights, f"{name}.conv_pw", f"{name}.bn_pw", branch, 1e-3)
            branch = branch.relu() if last else branch
        if block in XCEPTION65_SHORTCUTS:
            name, stride = f"blocks.{block}.shortcut", XCEPTION65_SHORTCUTS[block]
            features = convolved(weights, f"{name}.conv", f"{name}.bn", features, 1e-3, stride=stride)
        features = branch if last else branch + features
    return features


def mobilenetv2_features(weights: dict[str, Tensor], images: Tensor) -> list[Tensor]:
    """What the checkpoint computes after each block, at its own output stride of 32 from block 14 on."""
    features = convolved(weights, "features.0.0", "features.0.1", images, 1e-5, stride=2, padding=1).clamp(0, 6)
    results = []
    for block, (before, after, expansion, stride) in enumerate(MOBILENETV2_BLOCKS, start=1):
        name, place, branch = f"features.{block}.conv", 0, features
        if expansion > 1:
            branch = convolved(weights, f"{name}.0.0", f"{name}.0.1", branch, 1e-5).clamp(0, 6)
            place = 1
        options = {"stride": stride, "padding": 1, "groups": branch.shape[1]}
        branch = convolved(weights, f"{name}.{place}.0", f"{name}.{place}.1", branch, 1e-5, **options).clamp(0, 6)
        branch = convolved(weights, f"{name}.{place + 1}", f"{name}.{place + 2}", branch, 1e-5)
        features = branch + features if stride == 1 and before == after else branch
        results.append(features)
    return results

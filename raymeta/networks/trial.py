"""Does a network work: built, and run once forward and once back, before a run depends on it."""

import torch
from torch import Tensor

from raymeta.config import NetworkConfig
from raymeta.errors import InputError
from raymeta.networks.inference import prepared
from raymeta.networks.registry import build_network
from raymeta.networks.segmentation_network import SegmentationNetwork

GREY = 128
MAX_SUM_ERROR = 1e-3
"""Of probabilities that a network adds up, also in half precision."""
MAX_SIDE = 512
"""A larger image is tried as a grey part of it: what is wrong with a network doesn't depend on that."""


def try_network(config: NetworkConfig, num_classes: int, seed: int, height: int, width: int) -> SegmentationNetwork:
    """Build the network of a config and train it for one step on a grey image, without an optimizer.

    Args:
        config: which network.
        num_classes: C.
        seed: of its initial weights.
        height: of the images (pixels).
        width: of the images (pixels).

    Returns:
        The network, in training mode, with gradients.

    Raises:
        InputError: it can't be built, or it fails on the image, or gives no logits, or learns nothing.
    """
    network = build_network(config, num_classes, seed)
    height, width = min(height, MAX_SIDE), min(width, MAX_SIDE)
    grey = torch.full((1, height, width, 3), GREY, dtype=torch.uint8)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            _step(network, grey)
        except InputError:
            raise
        except Exception as error:  # whatever a network of the user's raises
            reason = (str(error).strip().splitlines() or ["it gives no reason"])[0]
            raise InputError(
                f"network.kind {config.kind!r} fails on a grey image of {height}×{width} pixels: "
                f"{type(error).__name__}: {reason}; correct the network, or network.stride and options"
            ) from error
    return network


def _step(network: SegmentationNetwork, images: Tensor) -> None:
    """Forward in evaluation, then forward and back in training; raises InputError where that gives nothing useful."""
    expected = (1, network.num_classes, *images.shape[1:3])
    network.eval()
    with torch.no_grad():
        logits = network(prepared(network, images, "cpu"))
    if tuple(logits.shape) != expected:
        raise InputError(f"the network gives logits of shape {tuple(logits.shape)} where {expected} is wanted")
    network.train()
    logits = network(prepared(network, images, "cpu"))
    if not torch.isfinite(logits).all():
        raise InputError("the network gives logits that are not finite on a grey image: check its start weights")
    if not logits.requires_grad:
        raise InputError("the network has nothing to train: no parameter of it requires a gradient")
    logits.float().square().mean().backward()
    faulty = [name for name, p in network.named_parameters() if p.grad is not None and not torch.isfinite(p.grad).all()]
    if faulty:
        raise InputError(f"the network's gradients are not finite on a grey image: {', '.join(faulty[:4])}")


def network_warnings(network: SegmentationNetwork, config: NetworkConfig) -> list[str]:
    """What works, and probably isn't meant: probabilities in place of logits, a mean of colours from 0 to 1.

    Args:
        network: as `try_network` gives it; stays in training mode.
        config: it was built from.
    """
    warnings = []
    if config.mean is not None and config.std is not None and max(config.mean) <= 1:
        warnings.append(
            f"network.mean {list(config.mean)} looks like one of colours from 0 to 1, and here they go from 0 to 255: "
            "multiply mean and std by 255"
        )
    network.eval()
    with torch.no_grad():
        scores = network(prepared(network, torch.full((1, 64, 64, 3), GREY, dtype=torch.uint8), "cpu")).float()
    network.train()
    if scores.min() >= 0 and (scores.sum(dim=1) - 1).abs().max() < MAX_SUM_ERROR:
        warnings.append(
            "the network gives values from 0 up that add up to 1 over the classes, as after a softmax, and training "
            "expects logits: leave out its last layer"
        )
    return warnings

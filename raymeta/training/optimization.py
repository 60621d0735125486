"""Loss, optimizer and learning rate."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from raymeta.config import TrainingConfig
from raymeta.schemas import IGNORE

ONE_CYCLE_WARMUP = 0.3
"""Share of the steps in which one cycle rises."""


def learning_rate(config: TrainingConfig, step: int, total: int | None = None) -> float:
    """Rate of step `step`, counted from 0 over all epochs.

    poly is docs/method.md#poly-learning-rate, with `poly_steps`. cosine falls as half a wave, one_cycle too, after a
    longer rise; both end at 0 with `total`, the steps of the whole training, or `poly_steps` where these aren't known.
    In the first `warmup` of the steps the rate rises to its height; poly and constant begin after that.
    """
    last = config.poly_steps if total is None else total
    warmup = max(config.warmup, ONE_CYCLE_WARMUP) if config.schedule == "one_cycle" else config.warmup
    rising = math.ceil(warmup * last)
    if step < rising:
        return config.learning_rate * (step + 1) / rising
    if config.schedule == "constant":
        return config.learning_rate
    if config.schedule == "poly":
        return config.learning_rate * max(0.0, 1 - step / config.poly_steps) ** config.poly_power
    share = min(1.0, (step - rising) / max(1, last - rising))
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * share))


def total_steps(config: TrainingConfig, labelled_images: float) -> int | None:
    """Steps of a whole training; None where it goes on until it no longer improves.

    They grow with the root of what is labelled, from `min_steps` on, up to `steps` at `full_steps_at` labelled images.

    Args:
        config: names the steps.
        labelled_images: labelled pixels, divided by those of an image.
    """
    if config.steps is None or config.full_steps_at is None:
        return config.steps
    share = min(1.0, math.sqrt(labelled_images / config.full_steps_at))
    return max(config.min_steps, round(config.steps * share))


def build_optimizer(config: TrainingConfig, network: nn.Module) -> torch.optim.Optimizer:
    """Adam, AdamW or SGD with momentum, over all parameters of the network that are trained."""
    rate, decay = config.learning_rate, config.weight_decay
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if config.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr=rate, momentum=config.momentum, weight_decay=decay, fused=True)
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(parameters, lr=rate, betas=(config.beta1, config.beta2), weight_decay=decay, fused=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Use `rate` from the next step on."""
    for group in optimizer.param_groups:
        group["lr"] = rate


@torch.no_grad()
def move_mean(mean: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Move the running mean of the weights, and of batch norm's statistics, towards those after step `step`.

    Early on the mean is over fewer steps than `decay` says, or it would hold the start weights for long.
    """
    share = 1 - min(decay, (1 + step) / (10 + step))
    pairs = zip(mean.state_dict().values(), network.state_dict().values(), strict=True)
    for kept, value in pairs:
        if kept.is_floating_point():
            kept.lerp_(value, share)
        else:
            kept.copy_(value)


MIN_SHARE = 1e-4
"""A rarer class weighs as if it were this common."""


def class_weights(config: TrainingConfig, counts: NDArray[np.int64]) -> NDArray[np.float32] | None:
    """Weight of a labelled pixel of each class; their mean over all labelled pixels is 1.

    Args:
        config: `class_balance` is the power of a class's share; 0 weighs all alike.
        counts: (C,) int64 labelled pixels of each class.

    Returns:
        (C,) float32; None where all weigh 1.
    """
    if not config.class_balance or not counts.sum():
        return None
    shares = counts / counts.sum()
    weights = np.maximum(shares, MIN_SHARE) ** -config.class_balance
    weights[counts == 0] = 0  # nobody asks for them, and their weight would stand in sums
    return (weights / (weights * shares).sum()).astype(np.float32)


def example_weights(pixels: Tensor, balance: float) -> Tensor:
    """Weight of a labelled pixel of each example: their number to the power of -balance, 1 where there is none.

    Args:
        pixels: (N,) labelled pixels.
        balance: `training.example_balance`.
    """
    return pixels.clamp(min=1).to(torch.float32) ** -balance


def summed_cross_entropy(
    logits: Tensor, labels: Tensor, weights: Tensor | None = None, gamma: float = 0.0, balance: float = 0.0
) -> Tensor:
    """Sum of the cross entropy over labelled pixels, 0 where there are none.

    On a GPU one row a pixel: torch's loss on images isn't deterministic there.

    Args:
        logits: (N, C, H, W).
        labels: (N, H, W) int64, 255 ignored.
        weights: (C,) float32, of a pixel of each class; None: 1.
        gamma: of the focal loss, which multiplies by `(1 - p)^gamma` (arXiv:1708.02002); 0 is plain cross entropy.
        balance: a pixel weighs the labelled pixels of its example to the power of minus this.
    """
    if balance:
        shares = example_weights((labels != IGNORE).flatten(1).sum(1), balance)
        sums = [summed_cross_entropy(logits[i : i + 1], labels[i : i + 1], weights, gamma) for i in range(len(labels))]
        return (torch.stack(sums) * shares).sum()
    if logits.device.type == "cpu":  # as maps it takes half the time
        rows, target = logits.float().contiguous(), labels
    else:
        rows, target = logits.float().permute(0, 2, 3, 1).reshape(-1, logits.shape[1]), labels.reshape(-1)
    if not gamma:
        return functional.cross_entropy(rows, target, weights, ignore_index=IGNORE, reduction="sum")
    entropy = functional.cross_entropy(rows, target, ignore_index=IGNORE, reduction="none")
    weighted = entropy * (1 - torch.exp(-entropy)).clamp(min=0) ** gamma
    if weights is not None:  # an ignored pixel's entropy is 0, whatever weight it is given
        weighted = weighted * weights[torch.where(target == IGNORE, 0, target)]
    return weighted.sum()

"""Loss, optimizer and learning rate."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from raymeta.config import TrainingConfig
from raymeta.schemas import IGNORE


def learning_rate(config: TrainingConfig, step: int) -> float:
    """Rate of step `step`, counted from 0 over all epochs; poly is docs/method.md#poly-learning-rate."""
    if config.schedule == "constant":
        return config.learning_rate
    return config.learning_rate * max(0.0, 1 - step / config.poly_steps) ** config.poly_power


def build_optimizer(config: TrainingConfig, network: nn.Module) -> torch.optim.Optimizer:
    """Adam or SGD with momentum, over all parameters of the network."""
    rate, decay = config.learning_rate, config.weight_decay
    if config.optimizer == "sgd":
        return torch.optim.SGD(network.parameters(), lr=rate, momentum=config.momentum, weight_decay=decay, fused=True)
    betas = (config.beta1, config.beta2)
    return torch.optim.Adam(network.parameters(), lr=rate, betas=betas, weight_decay=decay, fused=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Use `rate` from the next step on."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def summed_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Sum of the cross entropy over labelled pixels, 0 where there are none.

    logits: (N, C, H, W). labels: (N, H, W) int64, 255 ignored. One row a pixel: torch's loss on images isn't
    deterministic on a GPU.
    """
    rows = logits.float().permute(0, 2, 3, 1).reshape(-1, logits.shape[1])
    return functional.cross_entropy(rows, labels.reshape(-1), ignore_index=IGNORE, reduction="sum")

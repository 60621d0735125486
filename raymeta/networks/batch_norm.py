"""Batch norm that can also be frozen, be shared by all ranks, and meet a single value."""

from collections.abc import Iterator
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from raymeta.config import BatchNormMode
from raymeta.errors import InputError

SPACE = (0, 2, 3)
"""Dimensions of (N, C, H, W) that statistics are taken over."""


class BatchNorm(nn.BatchNorm2d):
    """Batch norm with a mode for training; evaluation always uses the running statistics.

    `train`: statistics of the rank's own images. `sync`: of the images of all ranks. `frozen`: the running
    statistics, which then stay; scale and shift are trained, as DeepLab does without fine-tuned batch norm.
    Where one value a channel leaves no statistics (a tiny image, a batch of one), the running ones serve.
    """

    mode: BatchNormMode = "train"

    def forward(self, input: Tensor) -> Tensor:
        """input: (N, C, H, W), any size."""
        if not self.training:
            return super().forward(input)
        if self.mode == "sync" and _world_size() > 1:
            return self._normalise_over_ranks(input)
        if self.mode == "frozen" or input.numel() == input.shape[1]:
            return functional.batch_norm(
                input, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.eps
            )
        return super().forward(input)

    def _normalise_over_ranks(self, input: Tensor) -> Tensor:
        """Deviations are summed after the mean is known: squares minus squared sums would lose digits."""
        values = input.to(torch.promote_types(input.dtype, torch.float32))
        count = values.new_full((1,), input.numel() // input.shape[1])
        sums = _sum_over_ranks(torch.cat([values.sum(SPACE), count]))
        total = sums[-1].detach()
        mean = sums[:-1] / total
        centred = values - mean[:, None, None]
        variance = _sum_over_ranks(centred.square().sum(SPACE)) / total
        self._remember(mean.detach(), variance.detach() * total / (total - 1))
        scale = torch.rsqrt(variance + self.eps)
        if not self.affine:
            return (centred * scale[:, None, None]).to(input.dtype)
        scale = self.weight * scale
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(input.dtype)

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics towards those of this batch."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        momentum = 0.1 if self.momentum is None else self.momentum
        with torch.no_grad():
            self.running_mean.lerp_(mean, momentum)
            self.running_var.lerp_(variance, momentum)
            self.num_batches_tracked.add_(1)


def set_batch_norm_mode(network: nn.Module, mode: BatchNormMode) -> None:
    """Train all batch norms of the network in this mode from now on; torch's own become ours, with their values.

    Raises:
        InputError: a batch norm of another kind, whose statistics can't be shared or kept.
    """
    _take_over(network)
    others = [
        f"{name} ({type(layer).__name__})"
        for name, layer in network.named_modules()
        if isinstance(layer, _BatchNorm) and not isinstance(layer, BatchNorm)
    ]
    without = [
        name for name, layer in network.named_modules() if isinstance(layer, BatchNorm) and layer.running_mean is None
    ]
    if mode != "train" and others + without:
        raise InputError(
            f"training.batch_norm {mode} can't reach {', '.join([*others, *without][:5])}: use nn.BatchNorm2d with "
            "running statistics there, or set training.batch_norm train"
        )
    for own in batch_norms(network):
        own.mode = mode


def _take_over(network: nn.Module) -> None:
    """Replace batch norms of torch's own classes, also where the network has one under several names."""
    made: dict[int, BatchNorm] = {}
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if type(layer) in (nn.BatchNorm2d, nn.SyncBatchNorm):
                setattr(parent, name, made.setdefault(id(layer), _ours(layer)))


def _ours(layer: Any) -> BatchNorm:
    """A batch norm of ours with the parameters, buffers and numbers of a torch's own one."""
    own = BatchNorm(layer.num_features, layer.eps, layer.momentum, layer.affine, layer.track_running_stats)
    own._parameters, own._buffers = layer._parameters, layer._buffers
    return own.train(layer.training)


def batch_norms(network: nn.Module) -> Iterator[BatchNorm]:
    """All batch norms of the network."""
    return (module for module in network.modules() if isinstance(module, BatchNorm))


def _world_size() -> int:
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def _sum_over_ranks(values: Tensor) -> Tensor:
    summed: Tensor = _SumOverRanks.apply(values)
    return summed


class _SumOverRanks(torch.autograd.Function):
    """All-reduced sum; every rank's loss depends on every rank's values, so gradients are summed as well."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        summed = values.clone()
        dist.all_reduce(summed)
        return summed

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        summed = gradient.clone()
        dist.all_reduce(summed)
        return summed

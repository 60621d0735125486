"""Same seed, same numbers: random states and algorithms, set for a while and put back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

_settings: Any = torch.utils.deterministic  # its switch is a property that torch's annotations don't know


def training_seed(seed: int, iteration: int) -> int:
    """Seed of one iteration's start weights, batches and dropout; no two runs and iterations share one.

    Args:
        seed: of the run.
        iteration: whose network is trained, from 0.

    Returns:
        64 bits of numpy's `SeedSequence([seed, iteration])`.
    """
    return int(np.random.SeedSequence([seed, iteration]).generate_state(1, np.uint64)[0])


@contextmanager
def seeded_torch(seed: int, epoch: int, rank: int, device: torch.device) -> Iterator[None]:
    """Torch's random numbers depend on these three alone; afterwards its state is as before."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(int(np.random.SeedSequence([seed, epoch, rank]).generate_state(1, np.uint64)[0]))
        yield


@contextmanager
def deterministic_algorithms() -> Iterator[None]:
    """Torch takes deterministic algorithms where it has them and warns where it hasn't; afterwards as before."""
    enabled = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark = torch.backends.cudnn.benchmark
    fill = _settings.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    _settings.fill_uninitialized_memory = False  # a pass over each new tensor, for nothing
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warn_only)
        torch.backends.cudnn.benchmark = benchmark
        _settings.fill_uninitialized_memory = fill

"""Small training data and configs for the tests of this room."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from raymeta.config import NetworkConfig, TrainingConfig
from raymeta.networks.registry import build_network

NUM_CLASSES = 3
COLOURS = np.array([[220, 40, 40], [40, 220, 40], [40, 40, 220]])


@dataclass
class Examples:
    """Train and validation examples in memory."""

    train: list
    validation: list

    @property
    def num_train(self):
        return len(self.train)

    @property
    def num_validation(self):
        return len(self.validation)

    def train_example(self, index):
        return self.train[index]

    def validation_example(self, index):
        return self.validation[index]


def example(rng, height=24, width=32):
    """Bands of classes in their colours, with noise; one corner is ignored."""
    edges = np.sort(rng.integers(0, width, 2))
    labels = np.broadcast_to(np.searchsorted(edges, np.arange(width), side="right"), (height, width)).astype(np.uint8)
    image = np.clip(COLOURS[labels] + rng.normal(0, 20, (height, width, 3)), 0, 255).astype(np.uint8)
    labels[: rng.integers(1, height // 2), : width // 4] = 255
    return image, labels


def examples(train=5, validation=3, seed=0, size=(24, 32)):
    rng = np.random.default_rng(seed)
    return Examples([example(rng, *size) for _ in range(train)], [example(rng, *size) for _ in range(validation)])


def training_config(**values: Any):
    return TrainingConfig(**{"learning_rate": 1e-3, "batch_size": 2, "max_epochs": 3, "patience": 50, **values})


def network(batch_norm=False, dropout=True, seed=0, num_classes=NUM_CLASSES):
    built = build_network(NetworkConfig(width_multiplier=0.0625, batch_norm=batch_norm), num_classes, seed)
    for module in built.modules():
        if isinstance(module, nn.Dropout) and not dropout:
            module.p = 0.0
    return built


def equal(left, right):
    """Whether two nested states are the same, bit for bit; nan equals nan."""
    if isinstance(left, torch.Tensor):
        return left.dtype == right.dtype and torch.equal(left, right)
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(equal(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, np.ndarray):
        return np.array_equal(left, right)
    return left == right or (left != left and right != right)

"""Which examples each rank trains on in an epoch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from raymeta.config import TrainingConfig
from raymeta.errors import InputError
from raymeta.networks.evaluation import check_labels
from raymeta.networks.segmentation_network import Encoded, every
from raymeta.schemas import IGNORE
from raymeta.training.communicator import Communicator
from raymeta.training.optimization import class_weights, total_steps
from raymeta.training.random_crops import Crop, Example, draw_crops


class FeatureSource(Protocol):
    """What a frozen encoder makes of the examples' images, each (1, channels, h, w)."""

    def train_features(self, index: int, flip: bool, /) -> Encoded: ...
    def validation_features(self, index: int, /) -> Encoded: ...


class TrainingData(Protocol):
    """Examples, kept in memory by whoever gives them: an image (H, W, 3) uint8 RGB and its labels (H, W) uint8.

    Labels are classes, or 255 where a pixel doesn't count. Every rank can read every example.
    """

    @property
    def num_train(self) -> int: ...
    @property
    def num_validation(self) -> int: ...
    def train_example(self, index: int, /) -> Example: ...
    def validation_example(self, index: int, /) -> Example: ...
    def unlabelled(self, index: int, /) -> NDArray[np.bool_]:
        """(H, W), where nobody was asked for a label of a training example."""


@dataclass(frozen=True)
class Share:
    """One example of a batch: its `crop`, if any, is cut out, then `flip` mirrors it.

    One that fills up a rank (`counts` False) has no labelled pixel.
    """

    index: int
    flip: bool
    counts: bool = True
    crop: Crop | None = None


@dataclass(frozen=True)
class Batch:
    """The share of one rank in a step, and the labelled pixels of the step over all ranks.

    labelled_pixels: each weighs what its class and its example weigh; None with crops, whose pixels are known only once
    they are cut.
    """

    shares: tuple[Share, ...]
    labelled_pixels: float | None


class BatchPlanner:
    """Plans epochs of one training, alike on all ranks, and without talking to them."""

    def __init__(
        self, data: TrainingData, config: TrainingConfig, seed: int, num_classes: int, communicator: Communicator
    ) -> None:
        self.data = data
        self.config = config
        self.seed = seed
        self.num_classes = num_classes
        self.communicator = communicator
        self._facts: dict[int, tuple[NDArray[np.int64], tuple[int, ...]]] = {}
        self.total_steps = total_steps(config, self._labelled_images() if config.full_steps_at else 0)
        """Steps of the whole training; None where it goes on until it no longer improves."""
        self.class_weights = class_weights(config, self._all_counts()) if config.class_balance else None
        """(C,) float32 weight of a labelled pixel of each class; None where all weigh 1."""

    def steps(self, steps_done: int) -> int:
        """Steps of the next epoch, after `steps_done` in all: whole data set, unless the config wants more or fewer."""
        if self.total_steps is not None:
            return min(-(-self.total_steps // self.config.max_epochs), self.total_steps - steps_done)
        steps = max(-(-self.data.num_train // self.config.batch_size), self.config.min_steps_per_epoch)
        if self.config.steps_per_epoch is not None:
            steps = min(steps, self.config.steps_per_epoch)
        if self.config.max_steps is not None:
            steps = min(steps, self.config.max_steps - steps_done)
        return steps

    def plan(self, epoch: int, steps: int) -> list[Batch]:
        """This rank's batches of an epoch: shuffle, flips and crops depend on seed and epoch alone.

        Raises:
            ValueError: labels that are no class; on all ranks at once.
        """
        rng = np.random.default_rng([self.seed, epoch])
        size, shares = self.config.batch_size, self._one_pass(rng)
        while -(-len(shares) // size) < steps:  # a small data set is gone through again, in another order
            shares += self._one_pass(rng)
        batches = []
        for step in range(steps):
            chosen = shares[step * size : (step + 1) * size]
            pixels = None if chosen[0].crop else self._labelled_pixels(chosen)
            batches.append(Batch(self._own(chosen), pixels))
        return batches

    def _one_pass(self, rng: np.random.Generator) -> list[Share]:
        """As many examples as there are: each once, or drawn by how much of each is labelled."""
        count = self.data.num_train
        order, flips = self._order(rng), rng.random(count) < 0.5
        crops: Sequence[Crop | None] = draw_crops(self.config, count, rng) or [None] * count
        return [
            Share(int(index), flip=bool(self.config.horizontal_flip and flip), crop=crop)
            for index, flip, crop in zip(order, flips, crops, strict=True)
        ]

    def _order(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """(num_train,) int64 example numbers."""
        count = self.data.num_train
        if self.config.sampling == "images":
            return rng.permutation(count)
        weights = self._sampling_weights()
        return rng.choice(count, size=count, p=weights / weights.sum() if weights.any() else None)

    def _sampling_weights(self) -> NDArray[np.float64]:
        """(num_train,) how often each example is drawn, relative to the others."""
        counts = self._counts()
        if self.config.sampling == "classes":  # of each class the share that an example has of it
            totals = np.maximum(self._all_counts(), 1)
            return np.array([(count / totals).sum() for count in counts])
        pixels = np.array([count.sum() for count in counts], dtype=np.float64)
        return np.sqrt(pixels) if self.config.sampling == "root_pixels" else pixels

    def _counts(self) -> list[NDArray[np.int64]]:
        """Labelled pixels of each class, (C,) int64 an example."""
        return [self._fact(index)[0] for index in range(self.data.num_train)]

    def _all_counts(self) -> NDArray[np.int64]:
        """Labelled pixels of each class over all examples, (C,) int64."""
        return np.sum(self._counts(), axis=0, dtype=np.int64)

    def _labelled_images(self) -> float:
        """What is labelled, in whole images."""
        facts = [self._fact(index) for index in range(self.data.num_train)]
        stride = self.config.loss_stride
        looked_at = [math.prod(-(-side // stride) for side in size) for _, size in facts]
        return float(sum(counts.sum() / pixels for (counts, _), pixels in zip(facts, looked_at, strict=True)))

    def _own(self, shares: list[Share]) -> tuple[Share, ...]:
        """Every world_size-th share; a short last batch is filled up, so that all ranks hold equally many."""
        missing = -len(shares) % self.communicator.world_size
        filled = shares + [replace(shares[0], flip=False, counts=False)] * missing
        return tuple(filled[self.communicator.rank :: self.communicator.world_size])

    def _labelled_pixels(self, shares: list[Share]) -> float:
        facts = [self._fact(share.index) for share in shares]
        weights = 1 if self.class_weights is None else self.class_weights
        balance = self.config.example_balance
        return float(sum((counts * weights).sum() * max(1, counts.sum()) ** -balance for counts, _ in facts))

    def _fact(self, index: int) -> tuple[NDArray[np.int64], tuple[int, ...]]:
        """Labelled pixels of each class that the loss looks at, (C,) int64, and size of an example, read once."""
        fact = self._facts.get(index)
        if fact is None:
            _, labels = checked_example(self.data, index, self.num_classes)
            seen = every_pixel(labels, self.config.loss_stride)
            counts = np.bincount(seen.ravel(), minlength=IGNORE + 1)[: self.num_classes]
            fact = self._facts[index] = (counts, labels.shape)
        return fact


def every_pixel(labels: NDArray[np.uint8], stride: int) -> NDArray[np.uint8]:
    """labels: (H, W) → those at the rows and columns that a loss of this stride looks at."""
    if stride == 1:
        return labels
    return labels[np.ix_(every(labels.shape[0], stride), every(labels.shape[1], stride))]


def checked_example(data: TrainingData, index: int, num_classes: int) -> Example:
    """A training example whose labels are classes and fit its image. Raises ValueError otherwise."""
    image, labels = data.train_example(index)
    if image.shape[:2] != labels.shape:
        raise InputError(f"training example {index}: image {image.shape[:2]}, labels {labels.shape}: make equal")
    check_labels(labels, num_classes, f"training example {index}")
    return image, labels

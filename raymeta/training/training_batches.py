"""Which examples each rank trains on in an epoch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from raymeta.config import TrainingConfig
from raymeta.errors import InputError
from raymeta.networks.evaluation import check_labels
from raymeta.schemas import IGNORE
from raymeta.training.communicator import Communicator
from raymeta.training.random_crops import Crop, Example, draw_crops


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

    labelled_pixels: None with crops, whose pixels are known only once they are cut.
    """

    shares: tuple[Share, ...]
    labelled_pixels: int | None


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
        self._facts: dict[int, tuple[int, tuple[int, ...]]] = {}

    def steps(self, steps_done: int) -> int:
        """Steps of the next epoch, after `steps_done` in all: whole data set, unless the config wants more or fewer."""
        steps = max(-(-self.data.num_train // self.config.batch_size), self.config.min_steps_per_epoch)
        if self.config.steps_per_epoch is not None:
            steps = min(steps, self.config.steps_per_epoch)
        if self.config.max_steps is not None:
            steps = min(steps, self.config.max_steps - steps_done)
        return steps

    def plan(self, epoch: int, steps: int) -> list[Batch]:
        """This rank's batches of an epoch: shuffle, flips and crops depend on seed and epoch alone.

        Raises:
            ValueError: images of different sizes in a batch, or labels that are no class; on all ranks at once.
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
        pixels = np.array([self._fact(index)[0] for index in range(count)], dtype=np.float64)
        return rng.choice(count, size=count, p=pixels / pixels.sum() if pixels.any() else None)

    def _own(self, shares: list[Share]) -> tuple[Share, ...]:
        """Every world_size-th share; a short last batch is filled up, so that all ranks hold equally many."""
        missing = -len(shares) % self.communicator.world_size
        filled = shares + [replace(shares[0], flip=False, counts=False)] * missing
        return tuple(filled[self.communicator.rank :: self.communicator.world_size])

    def _labelled_pixels(self, shares: list[Share]) -> int:
        facts = [self._fact(share.index) for share in shares]
        sizes = sorted({size for _, size in facts})
        if len(sizes) > 1:
            raise InputError(
                f"images of different sizes {sizes} (height, width) in a batch of {self.config.batch_size}: "
                "set training.batch_size 1, or dataset.height and dataset.width, or training.crop_height and crop_width"
            )
        return sum(pixels for pixels, _ in facts)

    def _fact(self, index: int) -> tuple[int, tuple[int, ...]]:
        """Labelled pixels and size of an example, read once."""
        fact = self._facts.get(index)
        if fact is None:
            _, labels = checked_example(self.data, index, self.num_classes)
            fact = self._facts[index] = (int(np.count_nonzero(labels != IGNORE)), labels.shape)
        return fact


def checked_example(data: TrainingData, index: int, num_classes: int) -> Example:
    """A training example whose labels are classes and fit its image. Raises ValueError otherwise."""
    image, labels = data.train_example(index)
    if image.shape[:2] != labels.shape:
        raise InputError(f"training example {index}: image {image.shape[:2]}, labels {labels.shape}: make equal")
    check_labels(labels, num_classes, f"training example {index}")
    return image, labels

"""What training needs to go on after an epoch as if it had never stopped."""

import io
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raymeta.errors import InputError


@dataclass(frozen=True)
class EpochRecord:
    """One finished epoch.

    epoch: from 1. steps: over all epochs so far. learning_rate: of the last step. train_loss: mean over the epoch's
    steps. validation_miou: in [0, 1], nan where no pixel counts. seconds: training and validation.
    """

    epoch: int
    steps: int
    learning_rate: float
    train_loss: float
    validation_miou: float
    seconds: float


@dataclass
class TrainingState:
    """Training after `epoch` epochs and `steps` steps.

    network, optimizer: state dicts, and mean_network where a running mean of the weights is kept; they share memory
    with the running training, `to_bytes` copies them. best_weights: state dict on the CPU, of the epoch
    `best_epoch` (0 before the first) with `best_miou`; best_confusion: (C, C) int64 of its validation. Random
    numbers need no place here: each epoch is seeded anew.
    """

    network: dict[str, Tensor]
    optimizer: dict[str, Any]
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    best_miou: float = float("nan")
    best_epoch: int = 0
    best_confusion: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    mean_network: dict[str, Tensor] = field(default_factory=dict)
    epoch: int = 0
    steps: int = 0
    history: list[EpochRecord] = field(default_factory=list)

    def to_bytes(self) -> bytes:
        """A copy that `from_bytes` reads, on any device."""
        values = vars(self) | {
            "history": [asdict(record) for record in self.history],
            "best_confusion": torch.from_numpy(np.array(self.best_confusion)),
        }
        buffer = io.BytesIO()
        torch.save(values, buffer)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "TrainingState":
        """Read what `to_bytes` wrote, onto the CPU.

        Raises:
            ValueError: other bytes, or cut short.
        """
        try:
            values = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
            history = [EpochRecord(**record) for record in values.pop("history")]
            confusion = values.pop("best_confusion").numpy()
            return cls(**values, history=history, best_confusion=confusion)
        except Exception as error:  # torch raises many kinds for broken bytes: pickle, zip, runtime errors
            raise InputError(f"training state of {len(data)} bytes can't be read: {error}; delete it") from error

"""What the loop asks of its workers, whoever they are: this process, or actors of a cluster."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # processes that only hand rows on need none of it
    import pyarrow as pa

    from raymeta.acquisition.policies.registry import CandidateMerge
    from raymeta.annotation.known_labels import KnownLabels
    from raymeta.config import ExperimentConfig
    from raymeta.loop.bundle import Bundle

Row = dict[str, Any]
"""What a scorer says of one image: its `image_id`, an `error` or None, and the fields of its task."""

OnRows = Callable[[list[Row], Callable[[], None]], None]
"""Gets the rows of finished images, and what to call, from any thread, once they are safe: only then more is begun."""

CANDIDATES_STREAM = "candidates_stream"
"""Field of a scored row: the image's candidates as the bytes of an Arrow stream, for a caller that keeps them."""

SEGMENTS_TABLE = "segments_table"
"""Field of a row of the meta set: the image's segment table as the bytes of an Arrow stream."""


@dataclass(frozen=True)
class TrainingJob:
    """One iteration's training: the labels that are known, which validation images, and a state to go on from."""

    iteration: int
    labels: "KnownLabels"
    validation_ids: tuple[str, ...]
    resume: bytes | None = None


@dataclass(frozen=True)
class TrainedNetwork:
    """What the run folder keeps of one training.

    network: state dict of the best epoch, as `torch.save` writes it. history: an EpochRecord an epoch, as values.
    confusion: (C, C) counts of the best epoch's validation. faults: images that could not be read, with the reason.
    """

    network: bytes
    history: list[dict[str, Any]]
    confusion: list[list[int]]
    best_epoch: int
    miou: float
    faults: dict[str, str]


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training is.

    epoch: epochs that are done; first_epoch: that were done when it began, or went on. step, steps: of the epoch under
    way; 0 and 0 where none has begun. validation_miou: of the last epoch, in [0, 1]; None before the first.
    """

    epoch: int
    max_epochs: int
    step: int = 0
    steps: int = 0
    validation_miou: float | None = None
    first_epoch: int = 0


class Trainer(Protocol):
    """Trains one iteration's network after another."""

    def train(
        self,
        job: TrainingJob,
        *,
        on_progress: Callable[[TrainingProgress], None],
        on_state: Callable[[bytes], None],
    ) -> TrainedNetwork:
        """Train the network of one iteration from its start weights.

        on_progress: gets epoch, step and validation mIoU a few times a second. on_state: gets the newest state,
        whenever there is a newer one, to store it.

        Raises:
            RunFailedError: it can't be trained; the message tells why.
        """
        ...


class Scorer(Protocol):
    """Runs the network over images. Rows come back; what is large stays where it was made."""

    def share(self, bundle: "Bundle") -> Any:
        """What `run` and `select` take for this bundle, any number of times."""
        ...

    def encode_ahead(self, image_ids: Sequence[str]) -> AbstractContextManager[None]:
        """Make the features of a frozen encoder that are to be kept beside what the block does, until it ends.

        Nothing depends on how far it comes, and nothing fails by it: what isn't there is made where it is needed.
        """
        ...

    def run(self, task: str, image_ids: Sequence[str], bundle: Any = None, *, on_rows: OnRows) -> list[Row]:
        """Rows of a task of `ImageTasks`, one an image, sorted by image id as UTF-8 bytes.

        Raises:
            RunFailedError: the data set can't be reached, or the network gives no numbers; the message tells.
        """
        ...

    def select(
        self,
        image_ids: Sequence[str],
        bundle: Any,
        merge: "CandidateMerge",
        *,
        on_rows: OnRows,
        known: Iterable[list[Row]],
    ) -> "tuple[pa.Table, list[Row]]":
        """Score images and keep the candidates of all of them among which the query policy chooses.

        merge: an empty one, of `candidate_merge`; which candidates it keeps must not depend on their order.

        on_rows: a sound row also holds the image's candidates (CANDIDATES_STREAM). known: blocks of such rows from an
        earlier, interrupted call with the same images and bundle; their images are not scored again.

        Returns:
            The candidates among which the policy chooses, best first, and one row an image.
        """
        ...


StartWorkers = Callable[["ExperimentConfig"], AbstractContextManager[tuple[Trainer, Scorer]]]
"""Starts the workers that stay over an experiment, and ends them."""

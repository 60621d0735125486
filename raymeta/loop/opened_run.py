"""A run folder as a notebook reads it: config, queries, answers, numbers, and what its networks say of an image."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.config import ExperimentConfig
from raymeta.runs.run_store import RunError, RunStore
from raymeta.runs.split import Split

if TYPE_CHECKING:
    from raymeta.acquisition.pool_scoring import ImageScore
    from raymeta.loop.image_scorer import ImageScorer


@dataclass(frozen=True)
class OpenedRun:
    """A run folder, only read; it may still be running."""

    store: RunStore
    config: ExperimentConfig
    split: Split

    @property
    def location(self) -> str:
        """Where it lies: an absolute path, or a URI."""
        return self.store.location

    def iterations(self) -> list[int]:
        """Finished iterations, ascending from 0."""
        return [index for index in self.store.iterations() if self.store.iteration(index).is_committed("summary")]

    def summary(self, iteration: int) -> dict[str, Any]:
        """The numbers of a finished iteration: mIoU in [0, 1], costs in percent, clicks, R².

        Raises:
            RunError: there is no such iteration, or it is damaged.
        """
        return dict(self.store.iteration(iteration).read_json("summary.json"))

    def query(self, iteration: int) -> pa.Table:
        """The boxes that an iteration asked for, best first: image_id, top, left, width (pixels), score, rank.

        Raises:
            RunError: there is no such query, or it is damaged.
        """
        return self.store.iteration(iteration).read_table("query.parquet")

    def answers(self, iteration: int) -> pa.Table:
        """The clicks that each box of a query cost.

        Raises:
            RunError: it isn't answered yet, or the table is damaged.
        """
        return self.store.iteration(iteration).read_table("annotation.parquet")

    def scorer(self, iteration: int, device: str = "cpu") -> "ImageScorer":
        """Network and meta regressor of an iteration, loaded.

        Args:
            iteration: one whose pool was scored.
            device: where the network runs, as torch names it.

        Raises:
            RunError: there is no such iteration, or an artefact is damaged.
            DatasetError: the data set isn't where the config says.
        """
        import torch  # takes seconds to import

        from raymeta.datasets.registry import open_existing
        from raymeta.loop.image_scorer import ImageScorer
        from raymeta.loop.iteration_bundle import read_bundle

        dataset = open_existing(self.config.dataset, self.config.seed)
        return ImageScorer(self.config, dataset, read_bundle(self.store, iteration), torch.device(device))

    def score(self, iteration: int, image: NDArray[np.uint8], image_id: str = "") -> "ImageScore":
        """Maps and candidate boxes of any image under an iteration's network; no pixel of it counts as labelled.

        Args:
            iteration: one whose pool was scored.
            image: (H, W, 3) uint8 RGB.
            image_id: seeds the noise of random strategies.

        Raises:
            RunError: there is no such iteration, or an artefact is damaged.
            ValueError: the image is smaller than a box.
        """
        scorer = self.scorer(iteration)
        return scorer.score_softmax(scorer.softmax(image), image_id, keep_maps=True, image=image)


def open_run(location: str) -> OpenedRun:
    """Open a run folder.

    Args:
        location: a local path, or a URI that pyarrow's file systems open.

    Raises:
        RunError: no run there, or one of its files is damaged; the message names the remedy.
    """
    store = RunStore(location)
    config = store.load_config()
    table = store.read_split()
    if table is None:
        raise RunError(f"{store.location}/split.parquet is missing or damaged: resume the run with `raymeta run`")
    return OpenedRun(store, config, Split.from_table(table))

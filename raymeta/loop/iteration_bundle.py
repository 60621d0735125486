"""What a committed iteration scores images with: read from the run folder for pictures and for the HTTP service."""

from typing import Final

from raymeta.labels.label_store import LabelStore
from raymeta.loop.bundle import Bundle
from raymeta.runs.records import ScoreRecord
from raymeta.runs.run_store import RunStore

REGRESSOR: Final = "meta_regressor.bin"


def read_bundle(store: RunStore, iteration: int) -> Bundle:
    """Network, meta regressor, labelled regions and clicks_max of an iteration whose `score` stage is committed.

    Raises:
        RunError: an artefact is missing or damaged.
    """
    folder = store.iteration(iteration)
    clicks_max = ScoreRecord.read(folder).clicks_max if folder.is_named("score.json") else None
    return Bundle(
        key=f"{iteration}-read",
        iteration=iteration,
        network=folder.read_bytes("network.pt"),
        regressor=folder.read_bytes(REGRESSOR) if folder.is_named(REGRESSOR) else None,
        regions=LabelStore(store).known_labels(iteration).regions,
        clicks_max=clicks_max,
    )

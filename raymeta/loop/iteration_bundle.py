"""What a committed iteration scores images with: read from the run folder for pictures and for the HTTP service."""

from typing import Final

from raymeta.labels.label_store import LabelStore
from raymeta.loop.bundle import Bundle
from raymeta.loop.cost_fitting import COST_REGRESSOR
from raymeta.runs.records import ScoreRecord
from raymeta.runs.run_store import RunStore

REGRESSOR: Final = "meta_regressor.bin"


def read_bundle(store: RunStore, iteration: int) -> Bundle:
    """Network, meta regressor, labelled regions and clicks_max of an iteration whose `score` stage is committed.

    Raises:
        RunError: an artefact is missing or damaged.
    """
    folder = store.iteration(iteration)
    record = ScoreRecord.read(folder) if folder.is_named("score.json") else ScoreRecord()
    return Bundle(
        key=f"{iteration}-read",
        iteration=iteration,
        network=folder.read_bytes("network.pt"),
        regressor=folder.read_bytes(REGRESSOR) if folder.is_named(REGRESSOR) else None,
        regions=LabelStore(store).known_labels(iteration).regions,
        clicks_max=record.clicks_max,
        class_weights=None if record.class_weights is None else tuple(record.class_weights),
        cost_regressor=folder.read_bytes(COST_REGRESSOR) if folder.is_named(COST_REGRESSOR) else None,
    )

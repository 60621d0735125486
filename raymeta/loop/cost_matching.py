"""Queries that cost what a reference run's cost: the matched baseline, iteration by iteration."""

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from raymeta.annotation.costs import ImageSums
from raymeta.annotation.oracle import GroundTruth, Oracle
from raymeta.config import ExperimentConfig, seed_folder
from raymeta.locations import below
from raymeta.runs.run_store import RunError, RunStore
from raymeta.runs.split import Split
from raymeta.schemas import IMAGE_ID, RANK

CANDIDATES_PER_BOX: Final = 8
"""Ranked candidates for each box of `query_size`; by the paper's costs its dearest boxes are worth four random ones."""
COST_A_CLICKS: Final = ("polygon_clicks", "intersection_clicks", "class_clicks")


def box_cost(annotation: pa.Table) -> NDArray[np.int64]:
    """(boxes,) int64: the clicks of each box that enter cost_A (Eq. 10), from a table of ANNOTATION_SCHEMA."""
    columns = [annotation[name].to_numpy().astype(np.int64) for name in COST_A_CLICKS]
    return np.sum(columns, axis=0, dtype=np.int64)


def candidate_config(config: ExperimentConfig) -> ExperimentConfig:
    """What the scorers work by: enough ranked candidates to reach the reference's clicks, where there is one."""
    if config.acquisition.match_cost_of is None:
        return config
    wider = {"query_size": CANDIDATES_PER_BOX * config.acquisition.query_size}
    return config.model_copy(update={"acquisition": config.acquisition.model_copy(update=wider)})


def check_reference(config: ExperimentConfig, split: Split) -> None:
    """Look whether the run that `acquisition.match_cost_of` names can be matched; without one, do nothing.

    Raises:
        RunError: no run there, another pool or other start images, or fewer answered iterations than this run has.
    """
    if config.acquisition.match_cost_of is None:
        return
    reference = _open_reference(config)
    theirs = _split_of(reference)
    if set(theirs.pool) != set(split.pool) or set(theirs.initial) != set(split.initial):
        raise RunError(
            f"acquisition.match_cost_of {reference.location} has another pool or other initial images: "
            "match a run of the same data set, seed and initial_images"
        )
    answered = [i for i in reference.iterations() if reference.iteration(i).is_named("annotation.parquet")]
    if len(answered) < config.iterations:
        raise RunError(
            f"acquisition.match_cost_of {reference.location} has answers for {len(answered)} iterations, this run has "
            f"{config.iterations}: finish that run first, or choose iterations={len(answered)}"
        )


def cut_query(
    ranked: pa.Table, config: ExperimentConfig, store: RunStore, dataset: GroundTruth, iteration: int
) -> tuple[pa.Table, dict[str, Any] | None]:
    """Cut ranked boxes where the clicks of this run so far come nearest to those of its reference.

    Both runs are summed from their first iteration, so that the half box by which each cut misses doesn't add up.
    Clicks are those of cost_A. At least one box is kept, so that a cut never looks like a dry pool; boxes of images
    whose annotation can't be read cost nothing here, and the oracle will name them.

    ranked: QUERY_SCHEMA, best first, the candidates of `candidate_config`.
    Returns the query, and what was matched for score.json: the run, its strategy, the clicks wanted and taken in this
    iteration, and whether the candidates sufficed. Without a reference: the table as it came, and None.

    Raises:
        RunError: the reference is no longer there, or an artefact of it is damaged.
    """
    if config.acquisition.match_cost_of is None:
        return ranked, None
    reference = _open_reference(config)
    wanted = _clicks_spent(reference, iteration + 1, config) - _clicks_spent(store, iteration, config)
    oracle = Oracle(dataset, config.acquisition.epsilon)
    size, cost = 2 * config.acquisition.query_size, np.zeros(0, np.int64)
    for start in range(0, ranked.num_rows, size):  # painting scenes is dear: stop as soon as the clicks are reached
        cost = np.concatenate((cost, _ranked_cost(ranked.slice(start, size), oracle)))
        if cost.sum() >= wanted:
            break
    total = np.cumsum(cost)
    count = int(np.abs(total - wanted).argmin()) + 1 if len(total) else 0
    return ranked.slice(0, count), {
        "run": config.acquisition.match_cost_of,
        "strategy": reference.load_config().acquisition.strategy,
        "clicks_wanted": int(wanted),
        "clicks_taken": int(total[count - 1]) if count else 0,
        "reached": bool(cost.sum() >= wanted),
    }


def _ranked_cost(ranked: pa.Table, oracle: Oracle) -> NDArray[np.int64]:
    """(boxes,) int64: cost_A clicks of each row, asked image by image."""
    cost = dict.fromkeys(ranked[RANK].to_pylist(), 0)
    for image_id in ranked[IMAGE_ID].unique().to_pylist():
        try:
            answer = oracle.answer(ranked.filter(pc.equal(ranked[IMAGE_ID], image_id)))
        except (OSError, ValueError):
            continue  # stays in the query: the annotate stage names the image and leaves it out from then on
        cost |= zip(answer[RANK].to_pylist(), box_cost(answer).tolist(), strict=True)
    return np.array(list(cost.values()), dtype=np.int64)


def _clicks_spent(store: RunStore, iterations: int, config: ExperimentConfig) -> int:
    """cost_A clicks of a run's first queries, with those of its meta set where the whole cost is matched."""
    spent = sum(int(box_cost(store.iteration(i).read_table("annotation.parquet")).sum()) for i in range(iterations))
    if config.acquisition.match_cost == "query":
        return spent
    clicks = store.read_pool_clicks()
    if clicks is None:
        raise RunError(f"{store.location}/pool_clicks.parquet is missing or damaged: resume that run to count it anew")
    meta = ImageSums.from_table(clicks, _split_of(store).meta)
    return spent + meta.polygon + meta.class_


def _split_of(store: RunStore) -> Split:
    table = store.read_split()
    if table is None:
        raise RunError(f"{store.location}/split.parquet is missing or damaged: resume that run to make it anew")
    return Split.from_table(table)


def _open_reference(config: ExperimentConfig) -> RunStore:
    """The named run, or in a folder of repetitions the one of the same seed."""
    named = str(config.acquisition.match_cost_of)
    for location in (named, below(named, seed_folder(config.seed))):
        store = RunStore(location)
        if store.exists():
            return store
    raise RunError(
        f"acquisition.match_cost_of {named} holds no run, and no {seed_folder(config.seed)} either: "
        "run the reference first"
    )

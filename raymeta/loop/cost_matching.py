"""Queries that cost what a reference run's cost: the matched baseline, iteration by iteration."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from raymeta.acquisition.policies.query_policy import MatchTarget
from raymeta.annotation.cost_models import COST_A
from raymeta.annotation.events import Events
from raymeta.annotation.oracle import Oracle
from raymeta.config import ExperimentConfig, seed_folder
from raymeta.locations import below
from raymeta.runs.run_store import RunError, RunStore
from raymeta.runs.split import Split
from raymeta.schemas import IMAGE_ID, RANK


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


def match_target(config: ExperimentConfig, store: RunStore, iteration: int) -> MatchTarget | None:
    """What the query of an iteration has to cost, so that this run has spent what its reference had; None without one.

    Both runs are summed from their first iteration, so that the half box by which each cut misses doesn't add up.
    Clicks are those of cost_A.

    Raises:
        RunError: the reference is no longer there, or an artefact of it is damaged.
    """
    if config.acquisition.match_cost_of is None:
        return None
    reference = _open_reference(config)
    wanted = _clicks_spent(reference, iteration + 1, config) - _clicks_spent(store, iteration, config)
    return MatchTarget(config.acquisition.match_cost_of, reference.load_config().acquisition.strategy, wanted)


def ranked_cost(ranked: pa.Table, oracle: Oracle) -> NDArray[np.int64]:
    """(boxes,) int64: cost_A clicks of each row of QUERY_SCHEMA, asked image by image.

    Boxes of images whose annotation can't be read cost nothing here: the annotate stage names the image and leaves it
    out from then on.
    """
    cost = dict.fromkeys(ranked[RANK].to_pylist(), 0)
    for image_id in ranked[IMAGE_ID].unique().to_pylist():
        try:
            answer = oracle.answer(ranked.filter(pc.equal(ranked[IMAGE_ID], image_id)))
        except (OSError, ValueError):
            continue
        cost |= zip(answer[RANK].to_pylist(), COST_A.box_costs(answer).tolist(), strict=True)
    return np.array(list(cost.values()), dtype=np.int64)


def _clicks_spent(store: RunStore, iterations: int, config: ExperimentConfig) -> int:
    """cost_A clicks of a run's first queries, with those of its meta set where the whole cost is matched."""
    queries = (store.iteration(index).read_table("annotation.parquet") for index in range(iterations))
    spent = sum(int(COST_A.box_costs(query).sum()) for query in queries)
    if config.acquisition.match_cost == "query":
        return spent
    clicks = store.read_pool_clicks()
    if clicks is None:
        raise RunError(f"{store.location}/pool_clicks.parquet is missing or damaged: resume that run to count it anew")
    return spent + int(COST_A.of_images(Events.of_images(clicks, _split_of(store).meta)))


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

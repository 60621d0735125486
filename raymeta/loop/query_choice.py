"""From over-asked candidates to the query: the driver's side of a query policy."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.acquisition.policies.query_policy import MatchTarget, QueryContext
from raymeta.acquisition.policies.registry import query_budget, query_policy
from raymeta.annotation.oracle import GroundTruth, Oracle
from raymeta.config import ExperimentConfig
from raymeta.loop.cost_matching import ranked_cost
from raymeta.schemas import QUERY_SCHEMA, RANK, WIDTH


def choose_query(
    candidates: pa.Table,
    config: ExperimentConfig,
    iteration: int,
    dataset: GroundTruth,
    match: MatchTarget | None = None,
) -> tuple[pa.Table, dict[str, Any]]:
    """Let the config's policy choose.

    Args:
        candidates: SCORED_SCHEMA and what the policy needs, best first, from `Scorer.select`.
        config: of the run.
        iteration: that asks.
        dataset: for policies that look at true clicks.
        match: the clicks to match, for `matched_cost`.

    Returns:
        The query (QUERY_SCHEMA), and what the policy notes of its choice, for score.json.
    """
    oracle, width = Oracle(dataset, config.acquisition.epsilon), config.acquisition.box_width

    def true_clicks(rows: pa.Table) -> NDArray[np.int64]:
        return ranked_cost(query_table(rows, width), oracle)

    budget = query_budget(config.acquisition)
    context = QueryContext(budget, config.seed, iteration, true_clicks, match)
    chosen = query_policy(config.acquisition).choose(candidates, context)
    return query_table(chosen, width), context.notes


def query_table(selected: pa.Table, box_width: int) -> pa.Table:
    """QUERY_SCHEMA of candidates, ranked in their order. selected: SCORED_SCHEMA, other columns are left out."""
    count = selected.num_rows
    columns = {
        **{name: selected[name] for name in selected.column_names},
        WIDTH: pa.array([box_width] * count, pa.int32()),
        RANK: pa.array(range(1, count + 1), pa.int32()),
    }
    return pa.table([columns[name].cast(QUERY_SCHEMA.field(name).type) for name in QUERY_SCHEMA.names], QUERY_SCHEMA)

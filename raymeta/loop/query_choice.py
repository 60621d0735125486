"""From over-asked candidates to the query: the driver's side of a query policy."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.acquisition.policies.query_policy import QueryContext
from raymeta.acquisition.policies.registry import query_budget, query_policy
from raymeta.acquisition.strategies import at_iteration
from raymeta.annotation.oracle import GroundTruth, Oracle
from raymeta.config import ExperimentConfig
from raymeta.loop.cost_matching import match_target, ranked_cost
from raymeta.loop.query_budget import COST_OF_UNIT, EarlierAnswers, budget_until, cut_at_cost, expected_costs
from raymeta.runs.records import BudgetCut
from raymeta.runs.run_store import RunStore
from raymeta.schemas import QUERY_SCHEMA, RANK, WIDTH


def choose_query(
    candidates: pa.Table, config: ExperimentConfig, store: RunStore, dataset: GroundTruth, iteration: int
) -> tuple[pa.Table, pa.Table, dict[str, Any]]:
    """Let the config's policy choose, and cut its choice where the budget is reached.

    Args:
        candidates: SCORED_SCHEMA and what the policy needs, best first, from `Scorer.select`.
        config: of the run.
        store: its earlier answers.
        dataset: for policies that look at true clicks.
        iteration: that asks.

    Returns:
        The query (QUERY_SCHEMA), its candidates with all their columns, and notes for score.json.

    Raises:
        RunError: a run whose clicks are to be matched is no longer there, or an artefact of either is damaged.
    """
    if not candidates.num_rows:  # the pool is dry, and nobody sent a table from which to learn the columns
        return QUERY_SCHEMA.empty_table(), candidates, {}
    acquisition = at_iteration(config.acquisition, iteration)
    oracle, width = Oracle(dataset, acquisition.epsilon), acquisition.box_width

    def true_clicks(rows: pa.Table) -> NDArray[np.int64]:
        return ranked_cost(query_table(rows, width), oracle)

    match = match_target(config, store, iteration)
    context = QueryContext(query_budget(acquisition), config.seed, iteration, true_clicks, match)
    chosen = query_policy(acquisition).choose(candidates, context)
    wanted = acquisition.query_clicks or acquisition.query_seconds
    if wanted is not None:
        answers = EarlierAnswers(store, iteration, COST_OF_UNIT[acquisition.cost_unit])
        total = budget_until(iteration, wanted, acquisition.query_growth)
        cut = cut_at_cost(expected_costs(chosen, answers), total - answers.cost)
        chosen = chosen.slice(0, cut.boxes)
        context.notes["budget"] = BudgetCut(
            unit=acquisition.cost_unit, wanted=cut.wanted, expected=cut.expected, reached=cut.reached
        )
    return query_table(chosen, width), chosen, context.notes


def query_table(selected: pa.Table, box_width: int) -> pa.Table:
    """QUERY_SCHEMA of candidates, ranked in their order. selected: SCORED_SCHEMA, other columns are left out."""
    count = selected.num_rows
    columns = {
        **{name: selected[name] for name in selected.column_names},
        WIDTH: pa.array([box_width] * count, pa.int32()),
        RANK: pa.array(range(1, count + 1), pa.int32()),
    }
    return pa.table([columns[name].cast(QUERY_SCHEMA.field(name).type) for name in QUERY_SCHEMA.names], QUERY_SCHEMA)

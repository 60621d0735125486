"""From over-asked candidates to the query: the driver's side of a query policy."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from raymeta.acquisition.policies.query_policy import QueryContext
from raymeta.acquisition.policies.registry import query_budget, query_policy
from raymeta.acquisition.strategies import at_iteration
from raymeta.annotation.oracle import GroundTruth, Oracle
from raymeta.config import AcquisitionConfig, ExperimentConfig
from raymeta.loop.cost_matching import match_target, ranked_cost
from raymeta.loop.query_budget import COST_OF_UNIT, EarlierAnswers, budget_until, cut_at_cost, expected_costs
from raymeta.runs.records import BudgetCut
from raymeta.runs.run_store import RunStore
from raymeta.schemas import LEFT, QUERY_SCHEMA, RANK, SEGMENT_FIELDS, TOP, WIDTH


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
        return query_schema(config.acquisition).empty_table(), candidates, {}
    acquisition = at_iteration(config.acquisition, iteration)
    oracle, widths = Oracle(dataset, acquisition.epsilon), (acquisition.box_width, acquisition.asked_width)

    def true_clicks(rows: pa.Table) -> NDArray[np.int64]:
        return ranked_cost(query_table(rows, *widths), oracle)

    match = match_target(config, store, iteration)
    context = QueryContext(query_budget(acquisition), config.seed, iteration, true_clicks, match)
    chosen = query_policy(acquisition).choose(candidates, context)
    wanted = acquisition.query_clicks or acquisition.query_seconds
    if wanted is not None:
        answers = EarlierAnswers(store, iteration, COST_OF_UNIT[acquisition.cost_unit])
        total = budget_until(iteration, wanted, acquisition.query_growth)
        cut = cut_at_cost(_expected_costs(chosen, answers, acquisition), total - answers.cost)
        chosen = chosen.slice(0, cut.boxes)
        context.notes["budget"] = BudgetCut(
            unit=acquisition.cost_unit, wanted=cut.wanted, expected=cut.expected, reached=cut.reached
        )
    return query_table(chosen, *widths), chosen, context.notes


def _expected_costs(chosen: pa.Table, answers: EarlierAnswers, acquisition: AcquisitionConfig) -> NDArray[np.float64]:
    """(rows,) float64 of candidates: a point, segment or superpixel is one click, unless outlines may follow."""
    if acquisition.unit == "point":
        return np.full(chosen.num_rows, float(answers.model.box_prices.get("prompt", 1.0)))
    if acquisition.asks_parts and not acquisition.segments_are_drawn:
        return np.full(chosen.num_rows, answers.mean(float(answers.model.box_prices.get("confirm", 1.0))))
    return expected_costs(chosen, answers)


def query_schema(acquisition: AcquisitionConfig) -> pa.Schema:
    """QUERY_SCHEMA, with SEGMENT_FIELDS where parts of tiles are asked for."""
    return pa.schema([*QUERY_SCHEMA, *(SEGMENT_FIELDS if acquisition.asks_parts else ())])


def query_table(selected: pa.Table, box_width: int, asked_width: int | None = None) -> pa.Table:
    """QUERY_SCHEMA of candidates, ranked in their order: their boxes, or the squares in their middles.

    Args:
        selected: SCORED_SCHEMA; of other columns SEGMENT_FIELDS stay.
        box_width: of the candidates, in pixels.
        asked_width: of what is asked, at most that; None: the box.
    """
    count, width = selected.num_rows, box_width if asked_width is None else asked_width
    margin = (box_width - width) // 2
    columns = {
        **{name: selected[name] for name in selected.column_names},
        TOP: pc.add(selected[TOP], margin),
        LEFT: pc.add(selected[LEFT], margin),
        WIDTH: pa.array([width] * count, pa.int32()),
        RANK: pa.array(range(1, count + 1), pa.int32()),
    }
    schema = pa.schema([*QUERY_SCHEMA, *(field for field in SEGMENT_FIELDS if field.name in columns)])
    return pa.table([columns[field.name].cast(field.type) for field in schema], schema)

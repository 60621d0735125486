"""The two policies that follow the order of the scores: a number of boxes, or a reference's clicks."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from raymeta.acquisition.policies.image_caps import ImageCaps, has_caps
from raymeta.acquisition.policies.query_policy import Need, QueryBudget, QueryContext
from raymeta.config import PolicyConfig
from raymeta.errors import InputError
from raymeta.schemas import IMAGE_ID

CANDIDATES_PER_BOX: Final = 8
"""Ranked candidates for each box of the budget; by the paper's costs its dearest boxes are worth four random ones."""


@dataclass(frozen=True)
class TopScores:
    """The best boxes of the pool, as many as the budget allows, at most so many of an image or clip."""

    config: PolicyConfig = field(default_factory=PolicyConfig)
    needs: frozenset[Need] = frozenset()

    def wanted(self, budget: QueryBudget) -> int:
        """As many as are asked for, more where caps leave some out."""
        return budget.boxes * (self.config.over_ask if has_caps(self.config) else 1)

    def choose(self, candidates: pa.Table, context: QueryContext) -> pa.Table:
        """The first rows that the caps allow."""
        if has_caps(self.config):
            caps = ImageCaps(self.config)
            candidates = candidates.filter(
                pa.array([caps.take(i) for i in candidates[IMAGE_ID].to_pylist()], pa.bool_())
            )
        return candidates.slice(0, context.budget.boxes)


@dataclass(frozen=True)
class MatchedCost:
    """The best boxes, cut where their true clicks come nearest to what a reference run has spent."""

    needs: frozenset[Need] = frozenset()

    def wanted(self, budget: QueryBudget) -> int:
        """Enough to reach the reference's clicks by cheaper boxes."""
        return CANDIDATES_PER_BOX * budget.boxes

    def choose(self, candidates: pa.Table, context: QueryContext) -> pa.Table:
        """The rows up to the nearest cut, at least one, so that a cut never looks like a dry pool.

        Notes under `matched` the run, its strategy, the clicks wanted and taken, and whether the candidates sufficed.

        Raises:
            ValueError: the context names nothing to match.
        """
        match = context.match
        if match is None:
            raise InputError("policy matched_cost has no run to match: name one in acquisition.match_cost_of")
        size, cost = 2 * context.budget.boxes, np.zeros(0, np.int64)
        for start in range(0, candidates.num_rows, size):  # painting scenes is dear: stop once the clicks are reached
            cost = np.concatenate((cost, context.true_clicks(candidates.slice(start, size))))
            if cost.sum() >= match.clicks:
                break
        total = np.cumsum(cost)
        count = int(np.abs(total - match.clicks).argmin()) + 1 if len(total) else 0
        context.notes["matched"] = {
            "run": match.run,
            "strategy": match.strategy,
            "clicks_wanted": int(match.clicks),
            "clicks_taken": int(total[count - 1]) if count else 0,
            "reached": bool(cost.sum() >= match.clicks),
        }
        return candidates.slice(0, count)

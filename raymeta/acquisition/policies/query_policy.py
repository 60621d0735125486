"""What a query policy is, and what it may know when it chooses."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Need = Literal["class_shares", "feature"]
"""What candidates may carry beside their scores and counts: columns of `candidate_columns`."""


@dataclass(frozen=True)
class QueryBudget:
    """What one query may take: at most so many boxes."""

    boxes: int


@dataclass(frozen=True)
class MatchTarget:
    """A reference run whose clicks a query has to match.

    run: where it lies, as the config names it. strategy: its own. clicks: what this query may cost, by cost_A.
    """

    run: str
    strategy: str
    clicks: int


@dataclass(frozen=True)
class QueryContext:
    """What a policy may know beside the candidates; the same for any number of actors.

    true_clicks: cost_A clicks of candidates, (rows,) int64, asked of the simulated annotator; 0 for images that it
    can't read. match: for the policy `matched_cost`. notes: what a policy tells of its choice, for score.json.
    """

    budget: QueryBudget
    seed: int
    iteration: int
    true_clicks: Callable[[pa.Table], NDArray[np.int64]]
    match: MatchTarget | None = None
    notes: dict[str, Any] = field(default_factory=dict)


class QueryPolicy(Protocol):
    """Chooses the query of the whole pool among over-asked candidates."""

    @property
    def needs(self) -> frozenset[Need]:
        """What candidates have to carry for it."""
        ...

    def wanted(self, budget: QueryBudget) -> int:
        """How many of the best candidates it wants to choose among, at least 1."""
        ...

    def choose(self, candidates: pa.Table, context: QueryContext) -> pa.Table:
        """The query, best first.

        Args:
            candidates: the best of the pool, best first, at least as many as `wanted` where there are so many:
                SCORED_SCHEMA and the columns of `needs`.
            context: what else counts.

        Returns:
            Some rows of the candidates, in the order in which they are to be asked.
        """
        ...

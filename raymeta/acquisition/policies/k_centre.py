"""A query that covers: boxes whose features lie far from those taken already (docs/method.md#k-centre)."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from raymeta.acquisition.candidate_columns import FEATURE, column_matrix
from raymeta.acquisition.policies.image_caps import ImageCaps
from raymeta.acquisition.policies.query_policy import Need, QueryBudget, QueryContext
from raymeta.config import PolicyConfig
from raymeta.schemas import IMAGE_ID


@dataclass(frozen=True)
class KCentre:
    """Among the `over_ask` times as many best boxes, those that cover the others' features best, greedily."""

    config: PolicyConfig
    needs: frozenset[Need] = frozenset({"feature"})

    def wanted(self, budget: QueryBudget) -> int:
        """`over_ask` candidates a box."""
        return self.config.over_ask * budget.boxes

    def choose(self, candidates: pa.Table, context: QueryContext) -> pa.Table:
        """First the best box, then always the one farthest from all that are taken; ties go to the better score."""
        if FEATURE not in candidates.column_names:  # no candidate at all
            return candidates
        features = column_matrix(candidates, FEATURE).astype(np.float64)
        names, caps = candidates[IMAGE_ID].to_pylist(), ImageCaps(self.config)
        distance = np.full(len(features), np.inf)
        taken: list[int] = []
        while len(taken) < context.budget.boxes:
            row = int(np.argmax(distance)) if len(distance) else -1
            if row < 0 or distance[row] == -np.inf:
                break
            if caps.take(names[row]):
                taken.append(row)
                np.minimum(distance, ((features - features[row]) ** 2).sum(axis=1), out=distance)
            distance[row] = -np.inf
        return candidates.take(pa.array(taken, pa.int64()))

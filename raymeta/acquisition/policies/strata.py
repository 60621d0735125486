"""A query that is shared over the classes: the policy of ClaSP, for boxes (docs/method.md#strata)."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from raymeta.acquisition.candidate_columns import CLASS_SHARES
from raymeta.acquisition.policies.image_caps import ImageCaps, has_caps
from raymeta.acquisition.policies.query_policy import Need, QueryBudget, QueryContext
from raymeta.acquisition.stratified_merge import class_scores
from raymeta.config import PolicyConfig
from raymeta.schemas import IMAGE_ID


@dataclass(frozen=True)
class Strata:
    """`share` of the query in turns over the classes, each by `score · share_c`; the rest by the score."""

    config: PolicyConfig
    needs: frozenset[Need] = frozenset({"class_shares"})

    def wanted(self, budget: QueryBudget) -> int:
        """Of each class, and of the whole: as many as the query, since all others may have been taken before."""
        return budget.boxes * (self.config.over_ask if has_caps(self.config) else 1)

    def choose(self, candidates: pa.Table, context: QueryContext) -> pa.Table:
        """The query in the order of its picks; a class that has nothing left is passed over."""
        if CLASS_SHARES not in candidates.column_names:  # no candidate at all
            return candidates
        names, caps = candidates[IMAGE_ID].to_pylist(), ImageCaps(self.config)
        taken: dict[int, None] = {}  # rows in the order of the picks
        refused: set[int] = set()

        def take(row: int) -> bool:
            if row in taken or row in refused:
                return False
            if not caps.take(names[row]):
                refused.add(row)
                return False
            taken[row] = None
            return True

        shared = round(self.config.share * context.budget.boxes)
        scores = class_scores(candidates)
        columns = [np.flatnonzero(scores[:, c] > 0) for c in range(scores.shape[1])]
        queues = [iter(rows[np.argsort(-scores[rows, c], kind="stable")].tolist()) for c, rows in enumerate(columns)]
        while queues and len(taken) < shared:
            queues = [q for q in queues if len(taken) >= shared or any(take(row) for row in q)]
        context.notes["strata"] = {"shared": len(taken)}
        for row in range(candidates.num_rows):
            if len(taken) >= context.budget.boxes:
                break
            take(row)
        return candidates.take(pa.array(list(taken), pa.int64()))

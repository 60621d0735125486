"""A query that costs about so many clicks or seconds (docs/method.md#budget)."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.acquisition.predicted_clicks import PREDICTED_CLICKS
from raymeta.annotation.cost_models import COST_A, COST_SECONDS, CostModel
from raymeta.runs.run_store import RunStore
from raymeta.schemas import ESTIMATED_CLICKS, RANK

COST_OF_UNIT: Final[dict[Literal["clicks", "seconds"], CostModel]] = {"clicks": COST_A, "seconds": COST_SECONDS}


@dataclass(frozen=True)
class Cut:
    """Where a query ends: its boxes, the cost wanted and expected of them, and whether the candidates sufficed."""

    boxes: int
    wanted: float
    expected: float
    reached: bool


def budget_until(iteration: int, first: float, growth: float) -> float:
    """What all queries up to an iteration, with it, may cost.

    Args:
        iteration: from 0.
        first: of the first query, in clicks or seconds.
        growth: of a query by the one before.
    """
    return first * sum(growth**query for query in range(iteration + 1))


def cut_at_cost(costs: NDArray[np.float64], wanted: float) -> Cut:
    """The cut whose cost comes nearest to the wanted one; at least one box, where there is one.

    Args:
        costs: (boxes,) float64, expected of each box in the order in which they are asked.
        wanted: in the same unit.
    """
    total = np.cumsum(costs)
    if not len(total):
        return Cut(0, wanted, 0.0, reached=False)
    count = int(np.abs(total - wanted).argmin()) + 1
    return Cut(count, wanted, float(total[count - 1]), reached=bool(total[-1] >= wanted))


@dataclass(frozen=True)
class EarlierAnswers:
    """What a run's answers before an iteration have cost. model: prices them."""

    store: RunStore
    iteration: int
    model: CostModel

    @cached_property
    def _sums(self) -> tuple[float, int, int]:
        """Cost, boxes and estimated clicks of all boxes that were answered."""
        cost, boxes, estimated = 0.0, 0, 0
        for earlier in range(self.iteration):
            folder = self.store.iteration(earlier)
            annotation = folder.read_table("annotation.parquet")
            rows = annotation[RANK].to_numpy() - 1
            cost += float(self.model.box_costs(annotation).sum())
            boxes += annotation.num_rows
            estimated += int(folder.read_table("query.parquet")[ESTIMATED_CLICKS].to_numpy()[rows].sum())
        return cost, boxes, estimated

    @property
    def cost(self) -> float:
        """Of all answers so far."""
        return self._sums[0]

    def mean(self, first: float) -> float:
        """Cost of an answer so far; `first` before there is one."""
        cost, boxes, _ = self._sums
        return cost / boxes if boxes else first

    def scaled(self, estimates: NDArray[np.float64]) -> NDArray[np.float64]:
        """Costs of boxes by (1 + estimated clicks) times what answered boxes have cost by it.

        Before the first answer each of them is priced as a vertex.
        """
        cost, boxes, estimated = self._sums
        price = cost / (boxes + estimated) if boxes else float(self.model.box_prices.get("polygon", 1.0))
        costs: NDArray[np.float64] = price * (1.0 + estimates)
        return costs


def expected_costs(chosen: pa.Table, answers: EarlierAnswers) -> NDArray[np.float64]:
    """(rows,) float64: what the cost regressor predicts, where there is one, else what the estimated clicks tell.

    Args:
        chosen: candidates, in the order in which they are to be asked.
        answers: before it.
    """
    if PREDICTED_CLICKS in chosen.column_names:
        predicted: NDArray[np.float64] = chosen[PREDICTED_CLICKS].to_numpy()
        return predicted
    return answers.scaled(chosen[ESTIMATED_CLICKS].to_numpy().astype(np.float64))

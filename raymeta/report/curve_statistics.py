"""Numbers that compare learning curves: over the costs that all of them cover, and seed by seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

MAX_PAIRS: Final = 16
"""Pairs whose 2^n choices of signs are all tried; of more, DRAWS random ones, always the same."""
DRAWS: Final = 100_000


@dataclass(frozen=True)
class Curve:
    """One run's mIoU over its cost, by rising cost, without the iterations that have no mIoU.

    cost: (points,) float64, percent. miou: (points,) float64, 0..1.
    """

    cost: NDArray[np.float64]
    miou: NDArray[np.float64]

    @classmethod
    def of(cls, cost: ArrayLike, miou: ArrayLike) -> "Curve":
        """Leave out nan and sort by cost.

        Raises:
            ValueError: unlike lengths.
        """
        costs, mious = np.asarray(cost, np.float64), np.asarray(miou, np.float64)
        if costs.shape != mious.shape:
            raise ValueError(f"{costs.shape} costs and {mious.shape} mIoU: give one of each an iteration")
        known = ~(np.isnan(costs) | np.isnan(mious))
        order = np.argsort(costs[known], kind="stable")
        return cls(costs[known][order], mious[known][order])

    def miou_at(self, cost: float) -> float:
        """mIoU at a cost inside the curve's range, linear between iterations; nan outside."""
        return float(np.interp(cost, self.cost, self.miou, left=np.nan, right=np.nan)) if len(self.cost) else np.nan

    def mean_miou(self, low: float, high: float) -> float:
        """Area under the curve from cost `low` to `high`, divided by their distance; nan unless it covers both."""
        if not low < high or np.isnan(self.miou_at(low)) or np.isnan(self.miou_at(high)):
            return np.nan
        inside = (self.cost > low) & (self.cost < high)
        cost = np.concatenate(([low], self.cost[inside], [high]))
        miou = np.concatenate(([self.miou_at(low)], self.miou[inside], [self.miou_at(high)]))
        return float(((miou[1:] + miou[:-1]) / 2 * np.diff(cost)).sum() / (high - low))


def shared_range(curves: Sequence[Curve]) -> tuple[float, float] | None:
    """The costs that every curve covers; None where there are none."""
    if not curves or any(len(curve.cost) == 0 for curve in curves):
        return None
    low = max(float(curve.cost[0]) for curve in curves)
    high = min(float(curve.cost[-1]) for curve in curves)
    return (low, high) if low < high else None


@dataclass(frozen=True)
class PairedTest:
    """Sign-flip permutation test of paired differences, two-sided; exact up to MAX_PAIRS.

    pairs: how many. mean: their mean difference. p: None without pairs. least_p: what p can't fall below, whatever
    the differences: with 2, 3, 5 pairs 0.5, 0.25, 0.0625.
    """

    pairs: int
    mean: float | None
    p: float | None
    least_p: float | None


def sign_flip_test(differences: ArrayLike) -> PairedTest:
    """Share of all 2^n choices of signs whose mean is at least as far from 0 as the one observed.

    differences: (n,) float64; nan, where one of a pair is unknown, is left out.
    """
    values = np.asarray(differences, np.float64)
    values = values[~np.isnan(values)]
    count = len(values)
    if count == 0:
        return PairedTest(0, None, None, None)
    if count <= MAX_PAIRS:
        signs, least = np.array(list(product((1.0, -1.0), repeat=count))), 2.0 ** (1 - count)
    else:
        drawn = np.random.default_rng(0).choice((1.0, -1.0), size=(DRAWS, count))
        signs, least = np.concatenate((np.ones((1, count)), drawn)), 1 / (DRAWS + 1)
    sums = np.abs(signs @ values)
    # Sums of equal size may differ in their last bits by the order of addition.
    p = float(np.mean(sums >= sums[0] * (1 - 1e-12)))
    return PairedTest(count, float(values.mean()), p, least)


def mean_and_std(values: ArrayLike) -> tuple[float | None, float | None]:
    """Mean and standard deviation (n - 1) of what is not nan; None where there is too little."""
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    return (
        float(known.mean()) if len(known) else None,
        float(known.std(ddof=1)) if len(known) > 1 else None,
    )

"""Numbers that compare learning curves: over the costs that all of them cover, and seed by seed."""

from collections.abc import Sequence
from dataclasses import dataclass
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
        return float(np.trapezoid(miou, cost) / (high - low))


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
    mean = float(values.mean())
    if count == 1 or not values.any():
        return PairedTest(count, mean, 1.0, 2.0 ** (1 - count))
    from scipy.stats import permutation_test  # takes half a second to load

    exact = count <= MAX_PAIRS
    found = permutation_test(
        (values,),
        np.mean,
        vectorized=True,
        permutation_type="samples",
        n_resamples=np.inf if exact else DRAWS,
        rng=np.random.default_rng(0),
    )
    return PairedTest(count, mean, float(found.pvalue), 2.0 ** (1 - count) if exact else 2 / (DRAWS + 1))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's correction of a family of p-values, in their order; None, where there is no test, stays None."""
    order = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    least = 0.0
    for rank, (p, index) in enumerate(order):
        least = max(least, min(1.0, (len(order) - rank) * p))
        corrected[index] = least
    return corrected


def mean_interval(values: ArrayLike) -> tuple[float, float] | None:
    """95 % confidence interval of the mean by Student's t; nan is left out; None with fewer than two values."""
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    if len(known) < 2:
        return None
    from scipy.stats import t  # takes half a second to load

    reach = float(t.ppf(0.975, len(known) - 1) * known.std(ddof=1) / np.sqrt(len(known)))
    return float(known.mean()) - reach, float(known.mean()) + reach


def mean_and_std(values: ArrayLike) -> tuple[float | None, float | None]:
    """Mean and standard deviation (n - 1) of what is not nan; None where there is too little."""
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    return (
        float(known.mean()) if len(known) else None,
        float(known.std(ddof=1)) if len(known) > 1 else None,
    )

"""How much was annotated when 95 % of the full-set mIoU was reached (docs/method.md#cost-at-target)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raymeta.errors import InputError

TARGET_SHARE: Final = 0.95
"""Share of the full-set mIoU that counts as reached (docs/method.md#target)."""


@dataclass(frozen=True)
class CostAtTarget:
    """Costs in percent; None where the target is not reached.

    iteration, cost: first iteration where the mean curve reaches the target, and its mean cost (the paper's figure).
    seed_mean, seed_std: over the interpolated costs of the seeds that reach it; std needs two (n - 1 in the divisor).
    """

    iteration: int | None
    cost: float | None
    seed_mean: float | None
    seed_std: float | None
    seeds_reached: int
    seeds: int


def interpolated_cost(cost: ArrayLike, miou: ArrayLike, target: float) -> float | None:
    """Cost at which one run's curve first reaches the target, linear between iterations; None if it never does.

    cost, miou: (iterations,) float64; nan mIoU counts as not reached.
    """
    costs, mious = np.asarray(cost, np.float64), np.asarray(miou, np.float64)
    reached = np.flatnonzero(mious >= target)
    if not reached.size:
        return None
    after = int(reached[0])
    if after == 0 or np.isnan(mious[after - 1]):
        return float(costs[after])
    share = (target - mious[after - 1]) / (mious[after] - mious[after - 1])
    return float(costs[after - 1] + share * (costs[after] - costs[after - 1]))


def cost_at_target(
    costs: Sequence[NDArray[np.float64]], mious: Sequence[NDArray[np.float64]], target: float
) -> CostAtTarget:
    """Cost at target of the runs of one strategy.

    costs, mious: one (iterations,) float64 array a seed; the mean curve covers the iterations that all seeds have.

    Raises:
        ValueError: no run, or curves of unlike length.
    """
    if not costs or len(costs) != len(mious) or any(len(c) != len(m) for c, m in zip(costs, mious, strict=False)):
        raise InputError(
            f"{len(costs)} cost and {len(mious)} mIoU curves: give one of each, equally long, for each seed"
        )
    length = min(len(curve) for curve in mious)
    mean_miou = np.mean([curve[:length] for curve in mious], axis=0)
    mean_cost = np.mean([curve[:length] for curve in costs], axis=0)
    reached = np.flatnonzero(mean_miou >= target)
    first = int(reached[0]) if reached.size else None
    found = [interpolated_cost(cost, miou, target) for cost, miou in zip(costs, mious, strict=True)]
    known = [value for value in found if value is not None]
    return CostAtTarget(
        iteration=first,
        cost=None if first is None else float(mean_cost[first]),
        seed_mean=float(np.mean(known)) if known else None,
        seed_std=float(np.std(known, ddof=1)) if len(known) > 1 else None,
        seeds_reached=len(known),
        seeds=len(mious),
    )

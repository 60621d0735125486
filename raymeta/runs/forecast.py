"""What the next clicks will bring, from a run's own curve so far (docs/method.md#forecast)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from raymeta.annotation.cost_models import COST_A
from raymeta.runs.records import SummaryRecord

NEXT_CLICKS: Final = 1000.0
MIN_POINTS: Final = 3
"""Fewer iterations can't tell how far they scatter about a curve."""


@dataclass(frozen=True)
class Forecast:
    """mIoU after so many more clicks of cost_A; all mIoU in 0..1.

    Attributes:
        clicks: more of them.
        gain: expected.
        low, high: 95 % interval of the gain.
        miou: expected, on the curve that was fitted.
    """

    clicks: float
    gain: float
    low: float
    high: float
    miou: float

    @property
    def text(self) -> str:
        """A clause for a log: what to expect, and whether that can be told from nothing."""
        gain, low, high = (f"{100 * value:+.2f}".replace("-", "−") for value in (self.gain, self.low, self.high))
        doubt = "" if self.low > 0 else "; it may be nothing"
        return f"the next {self.clicks:g} clicks: {gain} points of mIoU (95 % interval {low} to {high}{doubt})"


def forecast(clicks: ArrayLike, miou: ArrayLike, more: float = NEXT_CLICKS) -> Forecast | None:
    """Fit mIoU = a + b·ln(clicks) by least squares, and go on from the last point.

    Args:
        clicks: (points,) float64, spent until each iteration.
        miou: (points,) float64 in 0..1; nan where unknown.
        more: clicks from the last point on.

    Returns:
        None with fewer than MIN_POINTS points of different clicks: nothing tells how they scatter.
    """
    x, y = np.asarray(clicks, np.float64), np.asarray(miou, np.float64)
    known = (x > 0) & np.isfinite(y)
    x, y = x[known], y[known]
    if len(np.unique(x)) < MIN_POINTS:
        return None
    from scipy.stats import linregress, t  # takes half a second to load

    line = linregress(np.log(x), y)
    step = float(np.log((x[-1] + more) / x[-1]))
    reach = float(t.ppf(0.975, len(x) - 2) * line.stderr)
    gain = float(line.slope) * step
    expected = float(line.intercept + line.slope * np.log(x[-1] + more))
    return Forecast(more, gain, gain - reach * step, gain + reach * step, expected)


def forecast_of(summaries: Sequence[SummaryRecord]) -> Forecast | None:
    """The forecast of a run from its finished iterations; None where the clicks of one aren't known."""
    ledgers = [summary.clicks.ledger() for summary in summaries]
    spent = [ledger.spent(COST_A) for ledger in ledgers if ledger is not None]
    if len(spent) < len(summaries):
        return None
    return forecast(spent, [summary.miou for summary in summaries])

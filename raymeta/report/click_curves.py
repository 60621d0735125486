"""mIoU over clicks of two runs side by side, and in words what one saved at equal mIoU, or that it saved nothing."""

from dataclasses import dataclass
from typing import Final

from rich.table import Table

from raymeta.annotation.cost_models import COST_A
from raymeta.errors import InputError
from raymeta.report.cost_at_target import interpolated_cost
from raymeta.report.run_results import RunResults
from raymeta.text_tables import text_table

EQUAL: Final = 0.005
"""Savings below this share round to 0 %."""


@dataclass(frozen=True)
class ClickCurve:
    """What a run had paid, and how good its network was then.

    Attributes:
        label: of the strategy.
        clicks: before each iteration's training, as cost_A counts them; with the meta set.
        mious: 0..1, after it.
        meta_clicks: of `clicks`, those for the meta set.
    """

    label: str
    clicks: tuple[float, ...]
    mious: tuple[float, ...]
    meta_clicks: float = 0.0

    def without_meta(self) -> "ClickCurve":
        """The same as if the meta set cost nothing."""
        return ClickCurve(self.label, tuple(clicks - self.meta_clicks for clicks in self.clicks), self.mious)


def click_curve(run: RunResults) -> ClickCurve:
    """The curve of a run.

    Raises:
        InputError: a run whose clicks were not kept.
    """
    clicks, meta = [], 0.0
    for summary in run.summaries:
        ledger = summary.clicks.ledger()
        if ledger is None:
            raise InputError(f"{run.store.location}: iteration {summary.iteration} keeps no clicks: run it again")
        clicks.append(ledger.spent(COST_A))
        meta = COST_A.of_images(ledger.meta)
    return ClickCurve(run.strategy, tuple(clicks), tuple(summary.miou for summary in run.summaries), meta)


def curve_table(own: ClickCurve, baseline: ClickCurve) -> Table:
    """A row an iteration: clicks and mIoU of both."""
    table = text_table()
    table.add_column("iteration", justify="right")
    for curve in (own, baseline):
        table.add_column(f"clicks, {curve.label}", justify="right")
        table.add_column("mIoU %", justify="right")
    for index in range(max(len(own.clicks), len(baseline.clicks))):
        cells = [cell for curve in (own, baseline) for cell in _cells(curve, index)]
        table.add_row(str(index), *cells)
    return table


def _cells(curve: ClickCurve, index: int) -> tuple[str, str]:
    if index >= len(curve.clicks):
        return "–", "–"
    return f"{curve.clicks[index]:,.0f}", f"{100 * curve.mious[index]:.1f}"


def saved_sentence(own: ClickCurve, baseline: ClickCurve) -> str:
    """What `own` saved against `baseline`, at the highest mIoU that both reach; one seed each, which it says."""
    level = min(max(own.mious), max(baseline.mious))
    if level <= max(own.mious[0], baseline.mious[0]):
        return (
            f"What was saved can't be told: no mIoU is reached by both on the way, {own.label} goes from "
            f"{_percent(own.mious[0])} to {_percent(max(own.mious))} %, {baseline.label} from "
            f"{_percent(baseline.mious[0])} to {_percent(max(baseline.mious))} %."
        )
    costs = [_cost(curve, level) for curve in (own, baseline)]
    share = 1 - costs[0] / costs[1]
    did = (
        f"For {_percent(level)} % mIoU, the highest that both reach, {own.label} needed {costs[0]:,.0f} clicks"
        f"{_meta(own)} and {baseline.label} {costs[1]:,.0f}{_meta(baseline)}: "
    )
    if abs(share) < EQUAL:
        outcome = "nothing was saved"
    elif share > 0:
        outcome = f"{100 * share:.0f} % of the clicks were saved"
    else:
        outcome = f"nothing was saved, it needed {-100 * share:.0f} % more"
    return f"{did}{outcome}{_apart(own, baseline, level)}. This is one seed: another may end otherwise."


def _cost(curve: ClickCurve, level: float) -> float:
    found = interpolated_cost(curve.clicks, curve.mious, level)
    assert found is not None, "both reach the level"
    return found


def _meta(curve: ClickCurve) -> str:
    return f" ({curve.meta_clicks:,.0f} of them for its meta set)" if curve.meta_clicks else ""


def _apart(own: ClickCurve, baseline: ClickCurve, level: float) -> str:
    """The same without meta sets, where there are any."""
    if not own.meta_clicks and not baseline.meta_clicks:
        return ""
    share = 1 - _cost(own.without_meta(), level) / _cost(baseline.without_meta(), level)
    if abs(share) < EQUAL:
        return " (without the meta set as many)"
    return f" (without the meta set {abs(100 * share):.0f} % {'fewer' if share > 0 else 'more'})"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"

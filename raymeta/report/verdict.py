"""The result in words: what a strategy saved against random boxes, or that nothing was; with interval and n."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raymeta.annotation.cost_models import COST_A
from raymeta.report.comparison import Comparison
from raymeta.report.cost_at_target import interpolated_cost
from raymeta.report.curve_statistics import holm, mean_interval, sign_flip_test
from raymeta.report.paired_comparison import plain_random
from raymeta.report.run_results import FULL_SET, RunGroup

BASELINE = "random_box"


@dataclass(frozen=True)
class Saving:
    """Clicks (cost_A) that a group saved on its way to one mIoU, as shares of the baseline's; below 0 it needed more.

    Attributes:
        level: the mIoU (0..1) that both reach in every seed; reached: what the level is called.
        shares: of each seed that both have.
        low, high: 95 % interval of their mean; None with one seed.
        p: sign-flip test of the shares, corrected over all strategies of the comparison.
    """

    label: str
    baseline: str
    level: float
    reached: str
    shares: tuple[float, ...]
    low: float | None
    high: float | None
    p: float | None

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return float(np.mean(self.shares))


def verdict(comparison: Comparison) -> list[str]:
    """Sentences: the best strategy against random boxes first, then the others, then how near the full set is."""
    queried = comparison.queried
    if not queried:
        return [
            f"Only the full set was trained: {_percent(_last(comparison.groups))} % mIoU. There is nothing to compare."
        ]
    random = [group for group in queried if _is_plain_random(group)]
    rivals = [group for group in queried if not _is_plain_random(group) and group.runs[0].matched is None]
    if not random:
        sentence = f"There is no {BASELINE} run to compare with, so what was saved can't be told."
        return [sentence, *_state(comparison, _best(queried))]
    if not rivals:
        return [
            "Only random boxes were asked for: nothing to compare.",
            *_state(comparison, _best(queried)),
        ]
    found = savings(comparison)
    if not found:
        sentence = (
            "What was saved can't be told: no strategy has a seed in common with random boxes in which both reach the "
            "same mIoU after their start."
        )
        return [sentence, *_state(comparison, _best(queried))]
    first, *others = found
    chosen = next(group for group in rivals if group.label == first.label)
    many = f" It is the best of {len(found)} strategies, chosen after the fact." if others else ""
    told = {saving.label for saving in found}
    untold = [group.label for group in rivals if group.label not in told]
    return [_sentence(first) + many, *_others(others), *_left_out(untold), *_state(comparison, chosen)]


def savings(comparison: Comparison) -> list[Saving]:
    """What each strategy saved against random boxes, the best first; those that can't be told are left out."""
    target = None if comparison.target is None else comparison.target.miou
    found = []
    for group in comparison.queried:
        baseline = plain_random(group, comparison.queried)
        if baseline is None or _is_plain_random(group) or group.runs[0].matched is not None:
            continue
        saving = _saving(group, baseline, target)
        found += [] if saving is None else [saving]
    corrected = holm([saving.p for saving in found])
    known = [Saving(**{**vars(saving), "p": p}) for saving, p in zip(found, corrected, strict=True)]
    return sorted(known, key=lambda saving: -saving.mean)


def _saving(group: RunGroup, baseline: RunGroup, target: float | None) -> Saving | None:
    theirs = {run.seed: run for run in baseline.runs}
    pairs = [(run, theirs[run.seed]) for run in group.runs if run.seed in theirs]
    curves = [[(run.values(COST_A.name), run.values("miou")) for run in pair] for pair in pairs]
    if not curves or any(np.isnan(miou).all() for pair in curves for _, miou in pair):
        return None
    level = min(float(np.nanmax(miou)) for pair in curves for _, miou in pair)
    reached = "what all of their runs reach"
    if target is not None and level >= target:
        level, reached = target, "95 % of the full set's"
    if level <= max(float(miou[0]) for pair in curves for _, miou in pair):
        return None  # one of them starts there: nothing was bought on the way
    shares = []
    for (own_cost, own), (their_cost, other) in curves:
        costs = interpolated_cost(own_cost, own, level), interpolated_cost(their_cost, other, level)
        if costs[0] is None or not costs[1]:
            return None
        shares.append(1 - costs[0] / costs[1])
    low, high = mean_interval(shares) or (None, None)
    p = sign_flip_test(shares).p if len(shares) > 1 else None
    return Saving(group.label, baseline.label, level, reached, tuple(shares), low, high, p)


def _sentence(saving: Saving) -> str:
    """One strategy against random boxes, as strong as the data allow."""
    goal = f"to reach {_percent(saving.level)} % mIoU ({saving.reached})"
    did = f"{saving.label} needed {_amount(saving.mean)} {goal}"
    if saving.low is None or saving.high is None:
        return f"One seed, so nothing can be told from chance. In it, {did} than {saving.baseline}, counted as cost_A."
    n = len(saving.shares)
    interval = f"95 % interval of the saving {_signed(saving.low)} to {_signed(saving.high)} %, n = {n} seeds"
    p = "" if saving.p is None else f", p = {saving.p:.2g}"
    if saving.low > 0:
        return f"Clicks were saved: {did} than {saving.baseline}, counted as cost_A ({interval}{p})."
    if saving.high < 0:
        return f"No clicks were saved: {did} than {saving.baseline}, counted as cost_A ({interval}{p})."
    return f"No saving is shown: {did} than {saving.baseline}, but this may be chance ({interval}{p})."


def _others(savings_left: Sequence[Saving]) -> list[str]:
    if not savings_left:
        return []
    parts = []
    for saving in savings_left:
        spread = "" if saving.low is None else f" [{_signed(saving.low)}, {_signed(saving.high or 0.0)}]"
        parts.append(f"{saving.label} {_signed(saving.mean)} %{spread}")
    return [f"Saved by the others, in percent of the clicks of {savings_left[0].baseline}: {'; '.join(parts)}."]


def _left_out(labels: Sequence[str]) -> list[str]:
    """Strategies whose saving can't be told."""
    if not labels:
        return []
    return [f"Of {', '.join(labels)} nothing can be told: no mIoU is reached by all of its runs and by random boxes."]


def _state(comparison: Comparison, group: RunGroup) -> list[str]:
    """How far a group came, and how near to the full set."""
    spent, miou = float(group.mean(COST_A.name)[-1]), float(group.mean("miou")[-1])
    full = "" if comparison.target is None else _of_full_set(miou, comparison.target.full_set_miou)
    test = float(group.mean("test_miou")[-1])
    judged = "" if np.isnan(test) else f" On the test split, by which nothing was chosen, it has {_percent(test)} %."
    return [
        f"At its end {group.label} has {_percent(miou)} % mIoU{full} for {spent:.1f} % of the pool's clicks (cost_A)."
        f"{judged}"
    ]


def _of_full_set(miou: float, full: float) -> str:
    return f", {100 * miou / full:.0f} % of the full set's {_percent(full)} %," if full else ""


def _is_plain_random(group: RunGroup) -> bool:
    return group.strategy == BASELINE and group.runs[0].matched is None


def _best(groups: Sequence[RunGroup]) -> RunGroup:
    return max(groups, key=lambda group: float(group.mean("miou")[-1]))


def _last(groups: Sequence[RunGroup]) -> float:
    return float(
        np.mean([run.values("miou")[-1] for group in groups if group.strategy == FULL_SET for run in group.runs])
    )


def _amount(share: float) -> str:
    """A saving in words: `12 % fewer clicks`."""
    percent = round(100 * abs(share))
    if percent == 0:
        return "as many clicks"
    return f"{percent} % {'fewer' if share > 0 else 'more'} clicks"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _signed(share: float) -> str:
    return f"{100 * share:+.0f}".replace("-", "−")

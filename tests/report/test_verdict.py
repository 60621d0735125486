"""The result in words, from curves whose savings are easy to see."""

from collections.abc import Sequence

import pytest
from synthetic_runs import make_config

from raymeta.annotation.costs import Cost
from raymeta.report.comparison import Comparison, compare
from raymeta.report.run_results import RunResults
from raymeta.report.verdict import savings, verdict
from raymeta.runs.records import SummaryRecord
from raymeta.runs.run_store import RunStore

Points = Sequence[tuple[float, float]]
RANDOM: Points = [(10, 0.2), (20, 0.4), (40, 0.6)]


def run(strategy: str, seed: int, points: Points) -> RunResults:
    """A run with these costs (cost_A, percent) and mIoU."""
    place = f"nowhere/{strategy}/seed_{seed}"
    rows = [SummaryRecord(iteration=i, miou=m, costs={"cost_a": Cost(c, c)}) for i, (c, m) in enumerate(points)]
    return RunResults(RunStore(place), make_config(place, strategy, seed), tuple(rows))


def compared(*runs: RunResults) -> Comparison:
    (comparison,), _ = compare(runs)
    return comparison


def half_price(points: Points, factor: float = 0.5) -> Points:
    """The same mIoU for a share of the clicks."""
    return [(factor * cost, miou) for cost, miou in points]


def test_clicks_are_saved() -> None:
    factors = (0.5, 0.45, 0.55)
    runs = [run("random_box", seed, RANDOM) for seed in range(3)]
    runs += [run("metabox_plus", seed, half_price(RANDOM, factor)) for seed, factor in enumerate(factors)]
    (saving,) = savings(compared(*runs))
    assert saving.level == 0.6
    assert saving.shares == pytest.approx([0.5, 0.55, 0.45])
    assert (saving.mean, saving.low, saving.high) == (
        pytest.approx(0.5),
        pytest.approx(0.5 - 4.3027 * 0.05 / 3**0.5, abs=1e-4),
        pytest.approx(0.5 + 4.3027 * 0.05 / 3**0.5, abs=1e-4),
    )
    assert saving.p == 0.25
    first, *_ = verdict(compared(*runs))
    assert first.startswith("Clicks were saved: metabox_plus needed 50 % fewer clicks to reach 60.0 % mIoU")
    assert "+38 to +62 %, n = 3 seeds" in first


def test_no_clicks_are_saved() -> None:
    runs = [run("random_box", seed, RANDOM) for seed in range(3)]
    runs += [run("metabox", seed, half_price(RANDOM, factor)) for seed, factor in enumerate((1.5, 1.6, 1.4))]
    first, *_ = verdict(compared(*runs))
    assert first.startswith("No clicks were saved: metabox needed 50 % more clicks")


def test_an_interval_around_zero_shows_nothing() -> None:
    runs = [run("random_box", seed, RANDOM) for seed in range(2)]
    runs += [run("metabox", seed, half_price(RANDOM, factor)) for seed, factor in enumerate((0.5, 1.1))]
    first, *_ = verdict(compared(*runs))
    assert first.startswith("No saving is shown: metabox needed 20 % fewer clicks")


def test_one_seed_is_said_to_be_one() -> None:
    first, last = verdict(compared(run("random_box", 0, RANDOM), run("metabox", 0, half_price(RANDOM))))
    assert first.startswith("One seed, so nothing can be told from chance. In it, metabox needed 50 % fewer clicks")
    assert "60.0 % mIoU" in last
    assert "for 20.0 % of the pool's clicks" in last


def test_the_target_is_the_level_where_both_reach_it() -> None:
    full = run("full_set", 0, [(100, 0.4)])
    (saving,) = savings(compared(run("random_box", 0, RANDOM), run("metabox", 0, half_price(RANDOM)), full))
    assert saving.level == pytest.approx(0.38)
    # 10 + 10·(0.38 - 0.2)/0.2 = 19 for random boxes, half of that otherwise
    assert saving.shares == pytest.approx([0.5])
    _, last = verdict(compared(run("random_box", 0, RANDOM), run("metabox", 0, RANDOM), full))
    assert "150 % of the full set's 40.0 %" in last


def test_the_others_are_told_behind_the_best() -> None:
    comparison = compared(
        run("random_box", 0, RANDOM),
        run("metabox", 0, half_price(RANDOM, 0.9)),
        run("entropy_box", 0, half_price(RANDOM, 0.6)),
    )
    assert [saving.label for saving in savings(comparison)] == ["entropy_box", "metabox"]
    first, others, _ = verdict(comparison)
    assert "entropy_box needed 40 % fewer" in first
    assert "best of 2 strategies" in first
    assert "metabox +10 %" in others


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ([("metabox", 0, RANDOM)], "no random_box run"),
        ([("random_box", 0, RANDOM)], "Only random boxes"),
        ([("full_set", 0, [(100, 0.5)])], "Only the full set"),
        ([("random_box", 0, RANDOM), ("metabox", 1, RANDOM)], "can't be told"),  # no seed in common
        ([("random_box", 0, RANDOM), ("metabox", 0, [(12, 0.3), (20, 0.1)])], "can't be told"),  # best at its start
        ([("random_box", 0, [(10, 0.2)]), ("metabox", 0, [(10, 0.2)])], "can't be told"),  # a single iteration
    ],
)
def test_what_can_not_be_told_is_said(runs: list[tuple[str, int, Points]], words: str) -> None:
    first, *_ = verdict(compared(*(run(*values) for values in runs)))
    assert words in first


def test_a_strategy_that_reached_nothing_on_the_way_is_named() -> None:
    runs = [run("random_box", seed, RANDOM) for seed in range(3)]
    runs += [run("metabox_plus", seed, half_price(RANDOM)) for seed in range(3)]
    runs += [run("superpixels", seed, [(10, 0.2), (12, 0.1)]) for seed in range(3)]
    first, *others = verdict(compared(*runs))
    assert first.startswith("Clicks were saved: metabox_plus")
    (left_out,) = [line for line in others if "superpixels" in line]
    assert "nothing can be told" in left_out

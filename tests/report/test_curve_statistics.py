from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raymeta.report.curve_statistics import Curve, holm, mean_and_std, mean_interval, shared_range, sign_flip_test

RISING = Curve.of([10, 20, 40], [0.2, 0.4, 0.6])


def test_miou_at_a_cost_is_linear_between_iterations() -> None:
    assert RISING.miou_at(15) == pytest.approx(0.3)
    assert RISING.miou_at(40) == pytest.approx(0.6)
    assert np.isnan(RISING.miou_at(9.9))
    assert np.isnan(RISING.miou_at(40.1))


def test_mean_miou_is_the_area_over_the_width() -> None:
    # 10..20 at 0.3 on average, 20..40 at 0.5
    assert RISING.mean_miou(10, 40) == pytest.approx((10 * 0.3 + 20 * 0.5) / 30)
    assert RISING.mean_miou(15, 30) == pytest.approx((5 * 0.35 + 10 * 0.45) / 15)
    assert np.isnan(RISING.mean_miou(5, 40))
    assert np.isnan(RISING.mean_miou(20, 20))


def test_unknown_iterations_are_left_out_and_costs_sorted() -> None:
    curve = Curve.of([30, 10, 20], [0.3, 0.1, np.nan])
    assert curve.cost.tolist() == [10, 30]
    assert curve.miou_at(20) == pytest.approx(0.2)
    with pytest.raises(ValueError, match="one of each"):
        Curve.of([1], [1, 2])


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 1)), min_size=2, max_size=8, unique_by=lambda p: p[0]))
def test_mean_miou_against_a_fine_sum(points: list[tuple[float, float]]) -> None:
    curve = Curve.of(*zip(*points, strict=True))
    low, high = float(curve.cost[0]), float(curve.cost[-1])
    if high - low < 1:
        return
    middles = low + (np.arange(20_000) + 0.5) * (high - low) / 20_000
    expected = np.interp(middles, curve.cost, curve.miou).mean()
    assert curve.mean_miou(low, high) == pytest.approx(expected, abs=2e-4)


def test_shared_range() -> None:
    assert shared_range([RISING, Curve.of([15, 50], [0, 1])]) == (15, 40)
    assert shared_range([RISING, Curve.of([40, 50], [0, 1])]) is None
    assert shared_range([RISING, Curve.of([], [])]) is None
    assert shared_range([]) is None


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([1.0, 2.0, 3.0], 2 / 8),  # only all plus and all minus are as far
        ([1.0, 2.0, -3.0], 1.0),  # mean 0: everything is as far
        ([1.0, 1.0, -0.5], 4 / 8),  # sums 1.5 (+++-): {1.5, 2.5} and their negatives
        ([5.0, 5.0], 2 / 4),
        ([4.0], 1.0),
    ],
)
def test_sign_flips_by_hand(differences: list[float], p: float) -> None:
    assert sign_flip_test(differences).p == p


def test_few_seeds_can_not_show_much() -> None:
    found = sign_flip_test([0.1, 0.1, np.nan, 0.1])
    assert (found.pairs, found.p, found.least_p) == (3, 0.25, 0.25)
    assert found.mean == pytest.approx(0.1)
    nothing = sign_flip_test([np.nan])
    assert (nothing.pairs, nothing.mean, nothing.p, nothing.least_p) == (0, None, None, None)


def test_many_pairs_are_sampled_and_repeat_themselves() -> None:
    differences = np.random.default_rng(1).normal(0.2, 1, 20)
    found = sign_flip_test(differences)
    exact = np.mean(
        [
            abs(sum(d * s for d, s in zip(differences, row, strict=True))) >= abs(differences.sum())
            for row in np.random.default_rng(2).choice((1, -1), size=(20_000, 20))
        ]
    )
    assert found.p == pytest.approx(exact, abs=0.02)
    assert found == sign_flip_test(differences)


@given(st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=7))
def test_sign_flips_against_every_choice_of_signs(differences: list[float]) -> None:
    sums = [
        sum(d * s for d, s in zip(differences, signs, strict=True))
        for signs in product((1, -1), repeat=len(differences))
    ]
    both = np.mean(np.abs(sums) >= abs(sum(differences)))
    assert sign_flip_test(differences).p == pytest.approx(both)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),  # 3·0.01, then 2·0.03, then 1·0.04, which can't fall below 0.06
        ([0.5, 0.5], [1.0, 1.0]),
        ([0.02], [0.02]),
        ([0.02, None, 0.01], [0.02, None, 0.02]),
        ([], []),
    ],
)
def test_holm_by_hand(given: list[float | None], expected: list[float | None]) -> None:
    assert holm(given) == [p if p is None else pytest.approx(p) for p in expected]


def test_interval_of_a_mean_by_hand() -> None:
    low, high = mean_interval([1.0, 2.0, 3.0, np.nan]) or (0, 0)
    assert (low, high) == (
        pytest.approx(2 - 4.3027 / np.sqrt(3), abs=1e-4),
        pytest.approx(2 + 4.3027 / np.sqrt(3), abs=1e-4),
    )
    assert mean_interval([1.0]) is None


def test_mean_and_std() -> None:
    assert mean_and_std([1.0, 3.0, np.nan]) == (2.0, pytest.approx(np.sqrt(2)))
    assert mean_and_std([1.0]) == (1.0, None)
    assert mean_and_std([]) == (None, None)

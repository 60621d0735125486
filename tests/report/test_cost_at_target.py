import numpy as np
import pytest

from raymeta.report.cost_at_target import cost_at_target, interpolated_cost


def test_interpolated_cost_is_linear_between_iterations() -> None:
    assert interpolated_cost([10, 20, 30], [0.2, 0.4, 0.6], 0.45) == pytest.approx(22.5)


@pytest.mark.parametrize(
    ("miou", "expected"),
    [
        ([0.5, 0.6, 0.7], 10.0),  # there from the start
        ([0.1, 0.5, 0.2], 20.0),  # first reach counts, even if it is lost again
        ([0.1, 0.2, 0.3], None),
        ([np.nan, 0.6, 0.7], 20.0),  # nothing to interpolate from
        ([0.1, np.nan, np.nan], None),
    ],
)
def test_interpolated_cost_at_the_edges(miou: list[float], expected: float | None) -> None:
    assert interpolated_cost([10, 20, 30], miou, 0.5) == expected


def test_mean_curve_and_single_seeds() -> None:
    costs = [np.array([10.0, 20.0, 30.0]), np.array([12.0, 22.0, 32.0])]
    mious = [np.array([0.1, 0.3, 0.7]), np.array([0.1, 0.5, 0.5])]
    found = cost_at_target(costs, mious, 0.4)
    assert (found.iteration, found.cost) == (1, 21.0)  # means 0.1, 0.4, 0.6
    assert found.seed_mean == pytest.approx((22.5 + 19.5) / 2)  # 20 + 10·0.1/0.4 and 12 + 10·0.3/0.4
    assert found.seed_std == pytest.approx(np.std([22.5, 19.5], ddof=1))
    assert (found.seeds_reached, found.seeds) == (2, 2)


def test_not_reached_on_average_though_one_seed_does() -> None:
    costs = [np.array([10.0, 20.0])] * 2
    found = cost_at_target(costs, [np.array([0.1, 0.6]), np.array([0.1, 0.2])], 0.5)
    assert (found.iteration, found.cost, found.seed_std, found.seeds_reached) == (None, None, None, 1)
    assert found.seed_mean == pytest.approx(18.0)


def test_unfinished_seeds_shorten_the_mean_curve_only() -> None:
    costs = [np.array([1.0, 2.0, 3.0]), np.array([1.0])]
    found = cost_at_target(costs, [np.array([0.1, 0.2, 0.9]), np.array([0.1])], 0.5)
    assert found.iteration is None
    assert found.seeds_reached == 1


def test_curves_of_unlike_length_are_refused() -> None:
    with pytest.raises(ValueError, match="equally long"):
        cost_at_target([np.array([1.0])], [np.array([0.1, 0.2])], 0.5)

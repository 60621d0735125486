"""The cost regressor: what it learns, keeps and says of itself."""

from dataclasses import replace

import numpy as np
import pytest

from raymeta.acquisition.learned_cost import BoostingOptions, CostRegressor, agreement, fit_cost, out_of_fold


@pytest.fixture(scope="module")
def boxes():
    rng = np.random.default_rng(0)
    features = rng.uniform(0, 10, (600, 4))
    clicks = rng.poisson(3 + 2 * features[:, 0]).astype(float)
    return features, clicks


def test_learns_what_boxes_cost(boxes):
    features, clicks = boxes
    model = fit_cost(features, clicks, BoostingOptions())
    fresh = np.random.default_rng(1).uniform(0, 10, (400, 4))
    predicted = model.predict(fresh)
    assert (predicted > 0).all()
    assert np.corrcoef(predicted, fresh[:, 0])[0, 1] > 0.97
    assert model.predict(features).sum() == pytest.approx(clicks.sum(), rel=0.01)  # Poisson loss keeps the total


def test_a_quantile_lies_above_that_part_of_the_boxes(boxes):
    features, clicks = boxes
    model = fit_cost(features, clicks, BoostingOptions(quantile=0.9, trees=60))
    assert (clicks <= model.predict(features)).mean() == pytest.approx(0.9, abs=0.04)


def test_bytes_give_the_same_model(boxes):
    features, clicks = boxes
    model = fit_cost(features, clicks, BoostingOptions(trees=10))
    again = CostRegressor.from_bytes(model.to_bytes())
    assert again.predict(features).tolist() == model.predict(features).tolist()
    assert model.to_bytes() == fit_cost(features, clicks, BoostingOptions(trees=10)).to_bytes()
    with pytest.raises(ValueError, match="no cost regressor"):
        CostRegressor.from_bytes(b"else")
    with pytest.raises(ValueError, match="3 features for a cost regressor of 4"):
        model.predict(features[:, :3])


def test_equals_the_library(boxes):
    from sklearn.ensemble import HistGradientBoostingRegressor

    features, clicks = boxes
    library = HistGradientBoostingRegressor(
        loss="poisson", max_iter=20, max_depth=3, max_leaf_nodes=None, early_stopping=False, random_state=0
    ).fit(features, clicks)
    ours = fit_cost(features, clicks, BoostingOptions(trees=20, depth=3))
    np.testing.assert_allclose(ours.predict(features), library.predict(features), rtol=1e-9)


def test_rows_go_down_trees_of_any_shape(boxes):
    """One row at a time, a comparison at a time; trees of one leaf, and more rows than go down a tree together."""
    features, clicks = boxes
    trees = fit_cost(features, clicks, BoostingOptions(trees=7, depth=9)).trees
    alone = replace(trees, roots=np.append(trees.roots, np.flatnonzero(trees.feature < 0)[:1]).astype(np.int32))
    for model in (trees, alone):
        sums = np.full(len(features), float(model.baseline))
        for row, root in np.ndindex(len(features), len(model.roots)):
            node = model.roots[root]
            while model.feature[node] >= 0:
                left = features[row, model.feature[node]] <= model.threshold[node]
                node = (model.left if left else model.right)[node]
            sums[row] += model.value[node]
        assert model.predict(features).tolist() == sums.tolist()


@pytest.mark.parametrize("clicks", [[4.0] * 3, [2.0] * 50, list(range(10))])
def test_too_little_to_learn_from_gives_the_mean(clicks):
    features = np.random.default_rng(0).random((len(clicks), 2))
    model = fit_cost(features, np.array(clicks, float), BoostingOptions())
    assert model.predict(features) == pytest.approx(np.mean(clicks))


def test_out_of_fold_never_sees_its_own_image():
    """Each image has its own price, which nobody else tells: only a model that saw the image could know it."""
    rng = np.random.default_rng(0)
    groups = np.repeat([f"im{i}" for i in range(8)], 40)
    features = np.repeat(np.arange(8.0), 40)[:, None] + rng.random((320, 1)) * 0.1
    clicks = np.repeat(rng.permutation(8) * 10.0, 40)
    seen = fit_cost(features, clicks, BoostingOptions()).predict(features)
    unseen = out_of_fold(features, clicks, groups, BoostingOptions())
    assert np.corrcoef(seen, clicks)[0, 1] > 0.99
    assert np.corrcoef(unseen, clicks)[0, 1] < 0.6
    assert out_of_fold(features, clicks, np.array(["a"] * 320), BoostingOptions()) is None


def test_agreement_by_hand():
    found = agreement(np.array([1.0, 2.0, 4.0]), np.array([2.0, 6.0, 6.0]))
    assert (found.boxes, found.ratio) == (3, 0.5)
    assert found.pearson == pytest.approx(np.corrcoef([1, 2, 4], [2, 6, 6])[0, 1])
    assert found.spearman == pytest.approx(np.corrcoef([1, 2, 3], [1, 2.5, 2.5])[0, 1])
    flat = agreement(np.ones(3), np.zeros(3))
    assert (flat.ratio, flat.pearson, flat.spearman) == (None, None, None)

"""Gradient-boosted regression trees as plain arrays: to store and to evaluate without the library that fitted them."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raymeta.compilation import njit


@dataclass(frozen=True)
class BoostedTrees:
    """A sum of T trees; all their N nodes stand one after the other, children by their index among all nodes.

    baseline: () float64, the prediction without any tree
    roots: (T,) int32
    feature: (N,) int32, -1 at leaves
    threshold: (N,) float64; a row goes left where its feature is <= threshold
    left, right: (N,) int32, -1 at leaves
    value: (N,) float64, what a leaf adds
    """

    baseline: NDArray[np.float64]
    roots: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float64]

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum the leaves of every row: features (S, F) float64 -> (S,) float64."""
        return _sum_leaves(
            np.ascontiguousarray(features, dtype=np.float64),
            float(self.baseline),
            self.roots,
            self.feature,
            self.threshold,
            self.left,
            self.right,
            self.value,
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Every array by its name, as `BoostedTrees(**arrays)` takes them."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def constant_trees(value: float) -> BoostedTrees:
    """Boosted trees without any tree: the same prediction everywhere."""
    ids, numbers = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float64)
    return BoostedTrees(np.array(value, dtype=np.float64), ids, ids, numbers, ids, ids, numbers)


def trees_of_sklearn(model: Any) -> BoostedTrees:
    """The trees of a fitted scikit-learn HistGradientBoostingRegressor (numerical features, squared error)."""
    nodes = [predictors[0].nodes for predictors in model._predictors]
    sizes = np.array([len(tree) for tree in nodes], dtype=np.int32)
    roots = (np.cumsum(sizes) - sizes).astype(np.int32)
    joined = np.concatenate(nodes)
    first = np.repeat(roots, sizes)
    is_leaf = joined["is_leaf"].astype(bool)
    return BoostedTrees(
        baseline=np.asarray(model._baseline_prediction, dtype=np.float64).reshape(()),
        roots=roots,
        feature=np.where(is_leaf, -1, joined["feature_idx"]).astype(np.int32),
        threshold=joined["num_threshold"].astype(np.float64),
        left=np.where(is_leaf, -1, joined["left"] + first).astype(np.int32),
        right=np.where(is_leaf, -1, joined["right"] + first).astype(np.int32),
        value=joined["value"].astype(np.float64),
    )


@njit(cache=True, nogil=True)
def _sum_leaves(
    features: NDArray[np.float64],
    baseline: float,
    roots: NDArray[np.int32],
    feature: NDArray[np.int32],
    threshold: NDArray[np.float64],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    value: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Walk every row down every tree."""
    result = np.full(len(features), baseline)
    for row in range(len(features)):
        for root in roots:
            node = root
            while feature[node] >= 0:
                node = left[node] if features[row, feature[node]] <= threshold[node] else right[node]
            result[row] += value[node]
    return result

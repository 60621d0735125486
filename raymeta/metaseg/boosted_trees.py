"""Gradient-boosted regression trees as plain arrays: to store and to evaluate without the library that fitted them."""

from dataclasses import dataclass, fields
from typing import Any, Final

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
        nodes = np.arange(len(self.feature), dtype=np.int32)
        is_leaf = self.feature < 0
        return _sum_leaves(
            np.ascontiguousarray(features, dtype=np.float64),
            float(self.baseline),
            self.roots,
            _depths(self.roots, self.left, self.right),
            np.where(is_leaf, 0, self.feature).astype(np.int32),
            self.threshold,
            np.where(is_leaf, nodes, self.left).astype(np.int32),
            np.where(is_leaf, nodes, self.right).astype(np.int32),
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


ROWS_AT_ONCE: Final = 64
"""Rows that go down a tree together: none waits for the comparison of another."""


@njit(cache=True, nogil=True)
def _depths(roots, left, right):  # type: ignore[no-untyped-def]
    """(T,) int32: comparisons between the root of each tree and its lowest leaf."""
    depths = np.zeros(len(roots), np.int32)
    waiting, levels = np.empty(len(left) + 1, np.int32), np.empty(len(left) + 1, np.int32)
    for tree in range(len(roots)):
        count = 1
        waiting[0], levels[0] = roots[tree], 0
        while count > 0:
            count -= 1
            node, level = waiting[count], levels[count]
            depths[tree] = max(depths[tree], level)
            if left[node] >= 0:
                waiting[count], levels[count] = left[node], level + 1
                waiting[count + 1], levels[count + 1] = right[node], level + 1
                count += 2
    return depths


@njit(cache=True, nogil=True, boundscheck=False)
def _sum_leaves(features, baseline, roots, depths, feature, threshold, left, right, value):  # type: ignore[no-untyped-def]
    """Walk every row down every tree; leaves are their own children, so that all rows of a tree take as many steps.

    A branch at each node would be foreseen wrongly every other time.
    """
    result = np.full(len(features), baseline)
    nodes = np.empty(ROWS_AT_ONCE, np.int32)
    for start in range(0, len(features), ROWS_AT_ONCE):
        rows, sums = features[start : start + ROWS_AT_ONCE], result[start : start + ROWS_AT_ONCE]
        for tree in range(len(roots)):
            nodes[:] = roots[tree]
            for _ in range(depths[tree]):
                for row in range(len(rows)):
                    node = nodes[row]
                    nodes[row] = left[node] if rows[row, feature[node]] <= threshold[node] else right[node]
            for row in range(len(rows)):
                sums[row] += value[nodes[row]]
    return result

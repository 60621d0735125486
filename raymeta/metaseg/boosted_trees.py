"""scikit-learn's gradient boosting as plain arrays, so that a saved one needs no pickle."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BoostedTrees:
    """Regression trees of one boosting, their nodes one after another.

    roots: (T,) int64 first node of each tree. left, right: (N,) int64 children, -1 in leaves.
    feature: (N,) int64. threshold: (N,) float64, goes left where the float32 feature is at most it.
    value: (N,) float64. base: prediction before the first tree. learning_rate: factor on every tree.
    """

    roots: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: Floats
    value: Floats
    base: float
    learning_rate: float

    def predict(self, features: Floats) -> Floats:
        """(S,) float64 predictions for (S, F) features."""
        # scikit-learn grows and walks its trees on float32 features.
        rows = features.astype(np.float32)
        result = np.full(len(rows), self.base)
        index = np.arange(len(rows))
        for root in self.roots:
            node = np.full(len(rows), root)
            while (inner := self.left[node] >= 0).any():
                goes_left = rows[index, self.feature[node]] <= self.threshold[node]
                child = np.where(goes_left, self.left[node], self.right[node])
                node = np.where(inner, child, node)
            result += self.learning_rate * self.value[node]
        return result

    def to_bytes(self) -> bytes:
        """As an .npz file."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **vars(self))
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "BoostedTrees":
        """Inverse of `to_bytes`."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            values = {name: arrays[name] for name in arrays.files}
        scalars = {name: float(values[name]) for name in ("base", "learning_rate")}
        return cls(**(values | scalars))


def fit(features: Floats, target: Floats, trees: int, depth: int, learning_rate: float, seed: int) -> BoostedTrees:
    """Fit scikit-learn's GradientBoostingRegressor to (S, F) features and an (S,) target, and keep its trees."""
    from sklearn.ensemble import GradientBoostingRegressor

    booster = GradientBoostingRegressor(
        n_estimators=trees, max_depth=depth, learning_rate=learning_rate, random_state=seed
    ).fit(features, target)
    parts = [stage[0].tree_ for stage in booster.estimators_]
    roots = np.concatenate(([0], np.cumsum([tree.node_count for tree in parts])))[:-1].astype(np.int64)

    def children(name: str) -> NDArray[np.int64]:
        shifted = [
            np.where(getattr(tree, name) < 0, -1, getattr(tree, name) + root)
            for tree, root in zip(parts, roots, strict=True)
        ]
        return np.concatenate(shifted).astype(np.int64)

    return BoostedTrees(
        roots=roots,
        left=children("children_left"),
        right=children("children_right"),
        feature=np.concatenate([np.maximum(tree.feature, 0) for tree in parts]).astype(np.int64),
        threshold=np.concatenate([tree.threshold for tree in parts]),
        value=np.concatenate([tree.value[:, 0, 0] for tree in parts]),
        base=float(target.mean()),
        learning_rate=learning_rate,
    )

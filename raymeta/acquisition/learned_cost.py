"""The cost regressor: predicts the clicks (or seconds) of a box from the prediction (docs/method.md#learned-cost)."""

import io
import json
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raymeta.errors import InputError
from raymeta.metaseg.boosted_trees import BoostedTrees, constant_trees, trees_of_sklearn

MIN_BOXES: Final = 20
"""Fewer boxes than that teach nothing but their mean."""

_FACTS: Final = "facts"

Features = NDArray[np.float64]


@dataclass(frozen=True)
class BoostingOptions:
    """Number and depth of trees, shrinkage, seed, and the quantile to predict; None predicts the mean."""

    trees: int = 100
    depth: int = 4
    learning_rate: float = 0.1
    quantile: float | None = None
    seed: int = 0


@dataclass(frozen=True)
class CostRegressor:
    """Boosted trees; the sum of their leaves is the logarithm of the clicks where the mean is predicted.

    features: number of columns that it was fitted on.
    """

    trees: BoostedTrees
    logarithmic: bool
    features: int

    def predict(self, features: Features) -> NDArray[np.float64]:
        """Clicks of boxes, at least 0.

        Args:
            features: (N, F) float64 of `box_features`.

        Returns:
            (N,) float64.

        Raises:
            InputError: another number of features than the model was fitted on.
        """
        if features.shape[1] != self.features:
            raise InputError(f"{features.shape[1]} features for a cost regressor of {self.features}: fit it again")
        sums = self.trees.predict(features)
        return np.exp(sums) if self.logarithmic else np.maximum(sums, 0.0)

    def to_bytes(self) -> bytes:
        """The model as an npz file, without pickle."""
        buffer = io.BytesIO()
        facts = {"logarithmic": self.logarithmic, "features": self.features}
        encoded: Any = np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8)
        np.savez_compressed(buffer, allow_pickle=False, **self.trees.arrays(), **{_FACTS: encoded})
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "CostRegressor":
        """What `to_bytes` gave.

        Raises:
            InputError: other bytes.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                facts = json.loads(arrays[_FACTS].tobytes())
                trees = BoostedTrees(**{name: arrays[name] for name in arrays.files if name != _FACTS})
        except Exception as error:
            raise InputError(f"{len(data)} bytes are no cost regressor ({error}): fit it again") from error
        return cls(trees, bool(facts["logarithmic"]), int(facts["features"]))


def fit_cost(features: Features, clicks: NDArray[np.float64], options: BoostingOptions) -> CostRegressor:
    """Fit the clicks that boxes cost; the order of the boxes counts only for the last bits.

    Args:
        features: (N, F) float64, finite.
        clicks: (N,) float64, at least 0.
        options: how to boost.

    Returns:
        The model; with fewer than MIN_BOXES boxes, or where all cost the same, it predicts their mean.
    """
    mean = float(clicks.mean()) if len(clicks) else 0.0
    logarithmic = options.quantile is None
    if len(clicks) < MIN_BOXES or np.all(clicks == clicks[0]) or np.all(features == features[0]):
        value = float(np.log(max(mean, 1e-9))) if logarithmic else mean
        return CostRegressor(constant_trees(value), logarithmic, features.shape[1])
    return CostRegressor(trees_of_sklearn(_boost(features, clicks, options)), logarithmic, features.shape[1])


def _boost(features: Features, clicks: NDArray[np.float64], options: BoostingOptions) -> Any:
    """One thread: the order of its sums depends on their number."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    model = HistGradientBoostingRegressor(
        loss="poisson" if options.quantile is None else "quantile",
        quantile=options.quantile,
        max_iter=options.trees,
        max_depth=options.depth,
        max_leaf_nodes=None,
        learning_rate=options.learning_rate,
        early_stopping=False,
        random_state=options.seed,
    )
    with threadpool_limits(limits=1):
        model.fit(features, clicks)
    return model


def out_of_fold(
    features: Features, clicks: NDArray[np.float64], groups: NDArray[Any], options: BoostingOptions, folds: int = 5
) -> NDArray[np.float64] | None:
    """Clicks of each box by models that never saw its image; None with fewer than two images.

    Args:
        features: (N, F) float64.
        clicks: (N,) float64.
        groups: (N,) the image of each box.
        options: how to boost.
        folds: parts of the images, at most.
    """
    from sklearn.model_selection import GroupKFold

    parts = min(folds, len(np.unique(groups)))
    if parts < 2:
        return None
    predicted = np.empty(len(clicks))
    for seen, held_out in GroupKFold(parts).split(features, clicks, groups):
        predicted[held_out] = fit_cost(features[seen], clicks[seen], options).predict(features[held_out])
    return predicted


@dataclass(frozen=True)
class Agreement:
    """How well predicted clicks tell true ones.

    boxes: their number. ratio: Σ predicted / Σ true. pearson, spearman: correlations. None where it has no value.
    """

    boxes: int
    ratio: float | None
    pearson: float | None
    spearman: float | None


def agreement(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> Agreement:
    """Compare predicted with true clicks, both (N,) float64."""
    from scipy.stats import rankdata

    total = float(true.sum())
    ratio = float(predicted.sum()) / total if total else None
    if len(true) < 2 or np.ptp(predicted) == 0 or np.ptp(true) == 0:
        return Agreement(len(true), ratio, None, None)
    ranks = rankdata(predicted), rankdata(true)
    return Agreement(len(true), ratio, float(np.corrcoef(predicted, true)[0, 1]), float(np.corrcoef(*ranks)[0, 1]))

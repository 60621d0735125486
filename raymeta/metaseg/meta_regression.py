"""The meta regressor: predicts the IoU of each segment from its metrics, without a target."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta import schemas
from raymeta.errors import InputError
from raymeta.metaseg.boosting_backends import (
    BackendKind,
    BoostingParameters,
    CatBoosting,
    FittedBoosting,
    boosting_from_bytes,
    fit_boosting,
)

MAX_FOLDS = 5


class MetaRegressor:
    """Gradient boosting from segment metrics to adjusted IoU (docs/method.md#meta-regressor).

    Attributes:
        r2: out-of-fold R² of the last fit, segments of one image never on both sides; NaN with fewer than two images
            or where all IoUs are alike.
    """

    def __init__(
        self,
        kind: BackendKind = "catboost",
        trees: int = 100,
        depth: int = 4,
        learning_rate: float = 0.1,
        seed: int = 0,
    ) -> None:
        if kind not in get_args(BackendKind):
            raise InputError(f"kind {kind!r} is unknown: choose one of {', '.join(get_args(BackendKind))}")
        self.kind: BackendKind = kind
        self.parameters = BoostingParameters(trees, depth, learning_rate, seed)
        self.r2 = math.nan
        self._feature_names: list[str] = []
        self._boosting: FittedBoosting | None = None

    def fit(self, table: pa.Table, image_ids: Iterable[str]) -> Self:
        """Fit on the segments that have an interior; the order of the images doesn't matter.

        Args:
            table: segment metrics with `iou`, of any number of images. Without any row to learn from the regressor
                predicts 0.
            image_ids: one a row.

        Returns:
            Itself.

        Raises:
            ValueError: no table, missing columns, values that are not finite, or not one image id a row; the regressor
                stays as it was.
        """
        names = schemas.segment_feature_names(_count_classes(table))
        features = _matrix(table, [*names, schemas.IOU])
        groups = np.array([str(image_id) for image_id in image_ids], dtype=np.str_)
        if len(groups) != len(features):
            raise InputError(f"{len(groups)} image ids for {len(features)} segments: pass one a row")
        has_interior = features[:, names.index(schemas.SIZE_INNER)] > 0
        features, groups = features[has_interior], groups[has_interior]
        if not np.isfinite(features).all():
            raise InputError("the segment table holds NaN or infinite values: pass what segment_metrics returned")
        order = np.argsort(groups, kind="stable")
        features, values, groups = features[order, :-1], features[order, -1], groups[order]
        r2 = self._out_of_fold_r2(features, values, groups)
        self._boosting = fit_boosting(self.kind, self.parameters, features, values)
        self._feature_names, self.r2 = names, r2
        return self

    def predict(self, table: pa.Table) -> NDArray[np.float64]:
        """The predicted IoU of every segment, with or without interior: (S,) float64 in [0, 1].

        Raises:
            ValueError: not fitted, or a table of another number of classes.
        """
        boosting = self._fitted()
        classes = _count_classes(table)
        features = _matrix(table, self._feature_names)
        if schemas.segment_feature_names(classes) != self._feature_names:
            raise InputError(f"the table has {classes} classes, the fit had fewer: fit again for these classes")
        return np.clip(boosting.predict(features), 0.0, 1.0)

    def to_bytes(self) -> bytes:
        """The fitted regressor as bytes, without pickle: CatBoost's binary format, or npz (see `suffix`)."""
        metadata = {
            "kind": self.kind,
            "parameters": self.parameters.as_dict(),
            "feature_names": self._feature_names,
            "r2": None if math.isnan(self.r2) else self.r2,
        }
        return self._fitted().to_bytes(metadata)

    @classmethod
    def from_bytes(cls, data: bytes) -> "MetaRegressor":
        """What `to_bytes` gave; it predicts exactly the same.

        Raises:
            ValueError: other bytes.
        """
        boosting, metadata = boosting_from_bytes(data)
        regressor = cls(metadata["kind"], **metadata["parameters"])
        regressor.r2 = math.nan if metadata["r2"] is None else float(metadata["r2"])
        regressor._feature_names = list(metadata["feature_names"])
        regressor._boosting = boosting
        return regressor

    def save(self, path: str | Path) -> None:
        """Write `to_bytes()` to a file, replacing it."""
        Path(path).write_bytes(self.to_bytes())

    @classmethod
    def load(cls, path: str | Path) -> "MetaRegressor":
        """Read what `save` wrote; the content tells the format."""
        return cls.from_bytes(Path(path).read_bytes())

    @property
    def suffix(self) -> str:
        """What a file of `to_bytes()` should end with: `.cbm`, or `.npz` for scikit-learn and constant regressors."""
        return ".cbm" if isinstance(self._fitted(), CatBoosting) else ".npz"

    def _fitted(self) -> FittedBoosting:
        if self._boosting is None:
            raise InputError("the meta regressor isn't fitted: call fit or load first")
        return self._boosting

    def _out_of_fold_r2(
        self, features: NDArray[np.float64], values: NDArray[np.float64], groups: NDArray[np.str_]
    ) -> float:
        """R² of predictions by regressors that never saw the image."""
        from sklearn.model_selection import GroupKFold

        folds = min(MAX_FOLDS, len(np.unique(groups)))
        if folds < 2 or np.all(values == values[0]):
            return math.nan
        predicted = np.empty_like(values)
        for seen, held_out in GroupKFold(folds).split(features, values, groups):
            boosting = fit_boosting(self.kind, self.parameters, features[seen], values[seen])
            predicted[held_out] = np.clip(boosting.predict(features[held_out]), 0.0, 1.0)
        return r_squared(values, predicted)


def r_squared(values: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    """`1 - Σ(v - p)² / Σ(v - mean v)²`; both (S,) float64, values not all alike (docs/method.md#r-squared)."""
    return float(1 - np.sum((values - predicted) ** 2) / np.sum((values - values.mean()) ** 2))


def _count_classes(table: pa.Table) -> int:
    """Number of class probabilities in a segment table; raises ValueError where it is none."""
    if not isinstance(table, pa.Table):
        raise InputError(f"the segment table is a {type(table).__name__}: pass what segment_metrics returned")
    names = set(table.column_names)
    classes = 0
    while schemas.class_probability(classes) in names:
        classes += 1
    return classes


def _matrix(table: pa.Table, names: list[str]) -> NDArray[np.float64]:
    """Columns of a segment table as (S, len(names)) float64."""
    present = set(table.column_names)  # the attribute makes a new list each time
    missing = [name for name in names if name not in present]
    if missing:
        raise InputError(f"the segment table lacks {', '.join(missing)}: pass what segment_metrics returned")
    columns: list[NDArray[Any]] = [table[name].to_numpy() for name in names]
    return np.column_stack(columns).astype(np.float64, copy=False)

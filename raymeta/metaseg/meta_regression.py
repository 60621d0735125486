"""The meta regressor: gradient boosting from a segment's metrics to its IoU (MetaSeg, arXiv:1811.00648)."""

import json
import tempfile
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.config import MetaRegressorKind
from raymeta.metaseg import boosted_trees
from raymeta.schemas import IOU, SIZE_INNER, class_probability, segment_feature_names

Floats = NDArray[np.float64]
MAX_FOLDS = 5


class MetaRegressorError(ValueError):
    """A meta regressor that can't be fitted, used or read."""


class MetaRegressor:
    """Predicts the IoU of segments; refitted in each iteration on the segments of the meta set.

    kind: `catboost` or `sklearn`. trees, depth, learning_rate: of the boosting. seed: same seed, same regressor.

    After `fit`, `r2` is the coefficient of determination out of fold, grouped by image; nan where it has no meaning
    (fewer than two images, or one constant IoU).
    """

    def __init__(
        self,
        kind: MetaRegressorKind = "catboost",
        trees: int = 100,
        depth: int = 4,
        learning_rate: float = 0.1,
        seed: int = 0,
    ) -> None:
        self.kind = kind
        self.trees = trees
        self.depth = depth
        self.learning_rate = learning_rate
        self.seed = seed
        self.r2 = float("nan")
        self.features: list[str] = []
        self._constant = 0.0
        self._booster: Any = None

    def fit(self, table: pa.Table, image_ids: Any) -> Self:
        """Fit on the segments that have an interior.

        table: columns of DESIGN 2.4 with `iou`. image_ids: (S,) the image of each row, for the folds of `r2`.

        Raises:
            MetaRegressorError: no `iou` column, or another number of image ids than rows.
        """
        if IOU not in table.column_names:
            raise MetaRegressorError(f"the segment table has no column {IOU!r}: make it with a target")
        groups = np.asarray(image_ids, dtype=object)
        if len(groups) != table.num_rows:
            raise MetaRegressorError(f"{len(groups)} image ids for {table.num_rows} segments: give one a segment")
        self.features = segment_feature_names(_count_classes(table))
        inner = table[SIZE_INNER].to_numpy() > 0
        features, iou, groups = self._matrix(table)[inner], table[IOU].to_numpy()[inner], groups[inner]
        self._constant = float(iou.mean()) if iou.size else 0.0
        learnable = iou.size >= 2 and np.ptp(iou) > 0
        self._booster = self._fit_booster(features, iou) if learnable else None
        self.r2 = self._out_of_fold_r2(features, iou, groups) if learnable else float("nan")
        return self

    def predict(self, table: pa.Table) -> Floats:
        """(S,) float64 predicted IoU of every segment, clipped to [0, 1].

        Raises:
            MetaRegressorError: not fitted, or a table of another number of classes.
        """
        if not self.features:
            raise MetaRegressorError("the meta regressor is not fitted: call fit, or load a saved one")
        missing = [name for name in self.features if name not in table.column_names]
        if missing:
            raise MetaRegressorError(f"the segment table lacks {', '.join(missing)}: it was made for other classes")
        if self._booster is None or table.num_rows == 0:
            return np.full(table.num_rows, np.clip(self._constant, 0.0, 1.0))
        return np.clip(self._predict_booster(self._booster, self._matrix(table)), 0.0, 1.0)

    def to_bytes(self) -> bytes:
        """Header line of JSON, then the booster: CatBoost's own format, or plain arrays of trees. No pickle."""
        header = {
            "kind": self.kind,
            "trees": self.trees,
            "depth": self.depth,
            "learning_rate": self.learning_rate,
            "seed": self.seed,
            "r2": None if np.isnan(self.r2) else self.r2,
            "features": self.features,
            "constant": self._constant,
            "has_booster": self._booster is not None,
        }
        return json.dumps(header).encode() + b"\n" + self._booster_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Inverse of `to_bytes`.

        Raises:
            MetaRegressorError: the bytes hold no meta regressor.
        """
        line, _, body = data.partition(b"\n")
        try:
            header = json.loads(line)
            options = [header[name] for name in ("kind", "trees", "depth", "learning_rate", "seed")]
            regressor = cls(*options)
            regressor.features = list(header["features"])
            regressor._constant = float(header["constant"])
            regressor.r2 = float("nan") if header["r2"] is None else float(header["r2"])
            regressor._booster = regressor._booster_from_bytes(body) if header["has_booster"] else None
        except Exception as error:  # CatBoost and JSON raise their own kinds on damaged bytes
            raise MetaRegressorError(f"this is no saved meta regressor, or it is damaged: {error}") from error
        return regressor

    def save(self, path: str | Path) -> None:
        """Write `to_bytes` to a file."""
        Path(path).write_bytes(self.to_bytes())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a file that `save` wrote."""
        return cls.from_bytes(Path(path).read_bytes())

    def _matrix(self, table: pa.Table) -> Floats:
        columns = [table[name].to_numpy().astype(np.float64) for name in self.features]
        return np.ascontiguousarray(np.column_stack(columns))

    def _fit_booster(self, features: Floats, iou: Floats) -> Any:
        if self.kind == "sklearn":
            return boosted_trees.fit(features, iou, self.trees, self.depth, self.learning_rate, self.seed)
        from catboost import CatBoostRegressor

        booster = CatBoostRegressor(
            iterations=self.trees,
            depth=self.depth,
            learning_rate=self.learning_rate,
            random_seed=self.seed,
            # One thread: sums in another order would make another tree.
            thread_count=1,
            verbose=False,
            allow_writing_files=False,
        )
        if not (np.ptp(features, axis=0) > 0).any():
            return None  # CatBoost refuses features that are all constant
        return booster.fit(features, iou)

    def _predict_booster(self, booster: Any, features: Floats) -> Floats:
        if self.kind == "sklearn":
            return booster.predict(features)
        return np.asarray(booster.predict(features, thread_count=1), dtype=np.float64)

    def _booster_bytes(self) -> bytes:
        if self._booster is None:
            return b""
        if self.kind == "sklearn":
            return bytes(self._booster.to_bytes())
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "booster.cbm"
            self._booster.save_model(str(path))
            return path.read_bytes()

    def _booster_from_bytes(self, data: bytes) -> Any:
        if self.kind == "sklearn":
            return boosted_trees.BoostedTrees.from_bytes(data)
        from catboost import CatBoostRegressor

        return CatBoostRegressor().load_model(blob=data)

    def _out_of_fold_r2(self, features: Floats, iou: Floats, groups: NDArray[Any]) -> float:
        from sklearn.metrics import r2_score
        from sklearn.model_selection import GroupKFold

        names, codes = np.unique(groups.astype(str), return_inverse=True)
        if len(names) < 2:
            return float("nan")
        predicted = np.empty_like(iou)
        for train, test in GroupKFold(min(MAX_FOLDS, len(names))).split(features, iou, codes):
            constant = np.ptp(iou[train]) == 0
            booster = None if constant else self._fit_booster(features[train], iou[train])
            values = iou[train].mean() if booster is None else self._predict_booster(booster, features[test])
            predicted[test] = np.clip(values, 0.0, 1.0)
        return float(r2_score(iou, predicted))


def _count_classes(table: pa.Table) -> int:
    count = 0
    while class_probability(count) in table.column_names:
        count += 1
    return count

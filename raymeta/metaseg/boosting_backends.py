"""The gradient-boosting libraries behind the meta regressor: fit, predict, and bytes without pickle."""

import io
import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from raymeta.argument_checks import MAX_NUMBER, whole_number
from raymeta.errors import InputError
from raymeta.metaseg.boosted_trees import BoostedTrees, constant_trees, trees_of_sklearn

BackendKind = Literal["catboost", "sklearn"]

MAX_DEPTH: Final = 16
"""CatBoost's limit."""

METADATA_KEY: Final = "raymeta"
"""Where the regressor's own facts lie in a file: CatBoost's metadata, or an entry of the npz."""

CATBOOST_MAGIC: Final = b"CBM1"

CATBOOST_VARYING_METADATA: Final = ("model_guid", "train_finish_time")
"""What CatBoost writes differently each time; emptied, so that equal fits give equal files."""


@dataclass(frozen=True)
class BoostingParameters:
    """How to boost: number and depth of trees, shrinkage of each tree, seed."""

    trees: int = 100
    depth: int = 4
    learning_rate: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least, most in (("trees", 1, MAX_NUMBER), ("depth", 1, MAX_DEPTH), ("seed", 0, MAX_NUMBER)):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), least, most))
        rate = self.learning_rate
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 < rate <= 1:
            raise InputError(f"learning_rate {rate!r} is impossible: choose a number above 0, at most 1")

    def as_dict(self) -> dict[str, int | float]:
        """The fields by name, for JSON."""
        return asdict(self)


class FittedBoosting(Protocol):
    """A fitted ensemble."""

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Features (S, F) float64 -> (S,) float64."""

    def to_bytes(self, metadata: dict[str, Any]) -> bytes:
        """The ensemble and JSON-ready metadata as one file."""


@dataclass(frozen=True)
class PlainBoosting:
    """Trees as arrays, stored as npz."""

    trees: BoostedTrees

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.trees.predict(features)

    def to_bytes(self, metadata: dict[str, Any]) -> bytes:
        buffer = io.BytesIO()
        encoded = np.frombuffer(json.dumps(metadata).encode(), dtype=np.uint8)
        np.savez_compressed(buffer, allow_pickle=False, **self.trees.arrays(), **{METADATA_KEY: encoded})
        return buffer.getvalue()


@dataclass(frozen=True)
class CatBoosting:
    """A CatBoostRegressor, stored in CatBoost's own binary format."""

    model: Any

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        if len(features) == 0:
            return np.empty(0, dtype=np.float64)
        return np.asarray(self.model.predict(features, thread_count=1), dtype=np.float64)

    def to_bytes(self, metadata: dict[str, Any]) -> bytes:
        stored = self.model.get_metadata()
        stored[METADATA_KEY] = json.dumps(metadata)
        for varying in CATBOOST_VARYING_METADATA:
            stored[varying] = ""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "meta_regressor.cbm"
            self.model.save_model(str(path), format="cbm")
            return path.read_bytes()


def fit_boosting(
    kind: BackendKind, parameters: BoostingParameters, features: NDArray[np.float64], values: NDArray[np.float64]
) -> FittedBoosting:
    """Fit an ensemble; where there is nothing to learn (no rows, one value) it is their constant mean, 0 without rows.

    features: (S, F) float64, finite. values: (S,) float64, finite.
    """
    if len(values) == 0 or np.all(values == values[0]) or np.all(features == features[0]):
        return PlainBoosting(constant_trees(float(values.mean()) if len(values) else 0.0))
    return BACKENDS[kind](parameters, features, values)


def boosting_from_bytes(data: bytes) -> tuple[FittedBoosting, dict[str, Any]]:
    """What `to_bytes` wrote: the ensemble and its metadata.

    Raises:
        ValueError: bytes that it didn't write.
    """
    try:
        return _catboost_from_bytes(data) if data.startswith(CATBOOST_MAGIC) else _plain_from_bytes(data)
    except Exception as error:
        raise InputError(f"{len(data)} bytes are no meta regressor ({error}): pass a file that `save` wrote") from error


def _catboost_from_bytes(data: bytes) -> tuple[FittedBoosting, dict[str, Any]]:
    from catboost import CatBoostRegressor

    model = CatBoostRegressor()
    model.load_model(blob=data)
    return CatBoosting(model), json.loads(model.get_metadata()[METADATA_KEY])


def _plain_from_bytes(data: bytes) -> tuple[FittedBoosting, dict[str, Any]]:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        metadata = json.loads(arrays[METADATA_KEY].tobytes())
        trees = BoostedTrees(**{name: arrays[name] for name in arrays.files if name != METADATA_KEY})
    return PlainBoosting(trees), metadata


def _fit_catboost(
    parameters: BoostingParameters, features: NDArray[np.float64], values: NDArray[np.float64]
) -> FittedBoosting:
    """One thread, so that neither the number of cores nor other actors on the machine change anything."""
    from catboost import CatBoostRegressor

    model = CatBoostRegressor(
        iterations=parameters.trees,
        depth=parameters.depth,
        learning_rate=parameters.learning_rate,
        random_seed=parameters.seed,
        thread_count=1,
        verbose=False,
        allow_writing_files=False,
    )
    model.fit(features, values)
    return CatBoosting(model)


def _fit_sklearn(
    parameters: BoostingParameters, features: NDArray[np.float64], values: NDArray[np.float64]
) -> FittedBoosting:
    """One thread: the order of its sums depends on their number."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    model = HistGradientBoostingRegressor(
        max_iter=parameters.trees,
        max_depth=parameters.depth,
        max_leaf_nodes=None,
        learning_rate=parameters.learning_rate,
        early_stopping=False,
        random_state=parameters.seed,
    )
    with threadpool_limits(limits=1):
        model.fit(features, values)
    return PlainBoosting(trees_of_sklearn(model))


Fit = Callable[[BoostingParameters, NDArray[np.float64], NDArray[np.float64]], FittedBoosting]

BACKENDS: Final[dict[BackendKind, Fit]] = {"catboost": _fit_catboost, "sklearn": _fit_sklearn}
"""Adding a library is one entry."""

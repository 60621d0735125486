"""Predicted clicks of an image's boxes, on a lattice of corners (docs/method.md#learned-cost)."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.acquisition.box_features import box_features, lattice
from raymeta.acquisition.image_prediction import ImagePrediction
from raymeta.acquisition.learned_cost import CostRegressor
from raymeta.acquisition.priority_maps import quantize
from raymeta.errors import InputError
from raymeta.schemas import LEFT, TOP

PREDICTED_CLICKS: Final = "predicted_clicks"
"""Clicks that the cost regressor predicts for a candidate."""
COST_FEATURES: Final = "cost_features"
"""(5 + C,) float32: what it predicts them from; see `box_features`."""


TRUE_CLICKS: Final = "true_clicks"
"""What a box has cost, or would cost, in clicks or seconds."""


def cost_rows(features: NDArray[np.float64], clicks: NDArray[np.float64]) -> pa.Table:
    """Boxes to learn from: COST_FEATURES and TRUE_CLICKS.

    Args:
        features: (N, F) float64.
        clicks: (N,) float64, clicks or seconds.
    """
    lists = pa.FixedSizeListArray.from_arrays(pa.array(features.astype(np.float32).reshape(-1)), features.shape[1])
    return pa.table({COST_FEATURES: lists, TRUE_CLICKS: pa.array(clicks, pa.float64())})


def feature_matrix(table: pa.Table) -> NDArray[np.float64]:
    """COST_FEATURES of some rows as (N, F) float64."""
    chunks = [chunk.flatten().to_numpy() for chunk in table[COST_FEATURES].chunks if len(chunk)]
    if not chunks:
        return np.zeros((0, 0))
    return np.concatenate(chunks).reshape(table.num_rows, -1).astype(np.float64)


@dataclass(frozen=True)
class PredictedClicks:
    """Clicks of the boxes of a lattice: those alone may be asked for, so that each is predicted exactly.

    tops, lefts: (T,) and (L,) int64. features: (T·L, F) float32, row by row. clicks: (T, L) float64.
    """

    tops: NDArray[np.int64]
    lefts: NDArray[np.int64]
    features: NDArray[np.float32]
    clicks: NDArray[np.float64]
    box_width: int

    def spread(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores (T, L) of the lattice among those of all boxes, (H-b+1, W-b+1) float64: 0 for the others."""
        spread = np.zeros((int(self.tops[-1]) + 1, int(self.lefts[-1]) + 1))  # the last that fit are of the lattice
        spread[np.ix_(self.tops, self.lefts)] = scores
        return spread

    def with_columns(self, candidates: pa.Table) -> pa.Table:
        """Candidates of the lattice, with PREDICTED_CLICKS and COST_FEATURES."""
        rows = np.searchsorted(self.tops, candidates[TOP].to_numpy())
        cols = np.searchsorted(self.lefts, candidates[LEFT].to_numpy())
        features = self.features[rows * len(self.lefts) + cols]
        lists = pa.FixedSizeListArray.from_arrays(pa.array(features.reshape(-1), pa.float32()), self.features.shape[1])
        table = candidates.append_column(PREDICTED_CLICKS, pa.array(self.clicks[rows, cols], pa.float64()))
        return table.append_column(COST_FEATURES, lists)


def predict_box_clicks(
    prediction: ImagePrediction, clicks: NDArray[np.uint8], box_width: int, num_classes: int, model: CostRegressor
) -> PredictedClicks:
    """Predict the clicks of every box of the lattice.

    Args:
        prediction: of the image, with its entropy.
        clicks: (H, W) uint8 κ, estimated.
        box_width: pixels, at least 2.
        num_classes: C.
        model: fitted on boxes of the same width and classes.
    """
    height, width = clicks.shape
    tops, lefts = lattice(height, box_width), lattice(width, box_width)
    features = features_of(prediction, clicks, tops, lefts, box_width, num_classes).astype(np.float32)
    predicted = model.predict(features.astype(np.float64)).reshape(len(tops), len(lefts))
    return PredictedClicks(tops, lefts, features, predicted, box_width)


def features_of(
    prediction: ImagePrediction,
    clicks: NDArray[np.uint8],
    tops: NDArray[np.int64],
    lefts: NDArray[np.int64],
    box_width: int,
    num_classes: int,
) -> NDArray[np.float64]:
    """`box_features` of a prediction; ValueError where it was made without its entropy."""
    if prediction.entropy is None:
        raise InputError("the cost regressor needs the entropy: predict the image with it")
    entropy = quantize(prediction.entropy)
    return box_features(prediction.segmentation, clicks, entropy, tops, lefts, box_width, num_classes)

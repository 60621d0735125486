"""What the network and the meta regressor say about one image, as far as a strategy needs it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raymeta.metaseg.heatmaps import scan_softmax
from raymeta.metaseg.meta_regression import MetaRegressor
from raymeta.metaseg.segment_metrics import predicted_iou_map, segment_metrics
from raymeta.schemas import SIZE


@dataclass(frozen=True)
class ImagePrediction:
    """Maps and numbers of one image; None where they weren't asked for.

    segmentation: (H, W) uint8, the lowest class wins a tie. entropy: (H, W) float32, normalised.
    predicted_iou: (H, W) float32, of each pixel's segment. segments: their number.
    """

    segmentation: NDArray[np.uint8]
    mean_entropy: float
    entropy: NDArray[np.float32] | None = None
    predicted_iou: NDArray[np.float32] | None = None
    segments: int | None = None

    @property
    def mean_predicted_iou(self) -> float | None:
        """Mean over pixels."""
        return None if self.predicted_iou is None else float(self.predicted_iou.mean(dtype=np.float64))


def predict_image(
    softmax: NDArray[np.float32], regressor: MetaRegressor | None = None, with_entropy: bool = True
) -> ImagePrediction:
    """Segment one image; with a regressor predict the IoU of its segments too.

    softmax: (C, H, W) float32, sums to 1 over C. Each of the two passes over it is made only where its result is used;
    the mean entropy that comes from segments takes `log(p + 2⁻²³)` and differs by less than 1e-5.

    Raises:
        ValueError: an array that is no softmax; see `scan_softmax`.
    """
    if regressor is None:
        heatmaps = scan_softmax(softmax)
        return ImagePrediction(heatmaps.prediction, float(heatmaps.entropy.mean(dtype=np.float64)), heatmaps.entropy)
    segments, table = segment_metrics(softmax)
    size = table[SIZE].to_numpy()
    return ImagePrediction(
        segmentation=segments.label_map,
        mean_entropy=float((table["entropy"].to_numpy() * size).sum() / size.sum()),
        entropy=scan_softmax(softmax).entropy if with_entropy else None,
        predicted_iou=predicted_iou_map(segments, regressor.predict(table)),
        segments=segments.count,
    )

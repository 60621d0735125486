"""What the network and the meta regressor say about one image, as far as a strategy needs it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from raymeta.metaseg.heatmaps import METASEG_LOG_OFFSET
from raymeta.metaseg.meta_regression import MetaRegressor
from raymeta.metaseg.segment_metrics import metrics_of_scan, predicted_iou_map
from raymeta.metaseg.segments import find_segments
from raymeta.metaseg.softmax_scan import open_scan

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ImagePrediction:
    """Maps and numbers of one image; None where they weren't asked for.

    segmentation: (H, W) uint8, the lowest class wins a tie. entropy: (H, W) float32, normalised.
    margin: (H, W) float32, 1 where the two best classes are alike.
    predicted_iou: (H, W) float32, of each pixel's segment. segments: their number.
    segment_map: (H, W) int32, from 1, in raster order of their first pixels.
    """

    segmentation: NDArray[np.uint8]
    mean_entropy: float
    entropy: NDArray[np.float32] | None = None
    margin: NDArray[np.float32] | None = None
    predicted_iou: NDArray[np.float32] | None = None
    segments: int | None = None
    segment_map: NDArray[np.int32] | None = None

    @property
    def mean_predicted_iou(self) -> float | None:
        """Mean over pixels."""
        return None if self.predicted_iou is None else float(self.predicted_iou.mean(dtype=np.float64))


def predict_image(
    softmax: "NDArray[np.float32] | torch.Tensor",
    regressor: MetaRegressor | None = None,
    with_entropy: bool = True,
    with_margin: bool = False,
    with_segments: bool = False,
) -> ImagePrediction:
    """Segment one image; with a regressor predict the IoU of its segments too.

    softmax: (C, H, W) float32, sums to 1 over C; a tensor stays on its device. with_entropy, with_margin,
    with_segments: keep the map.
    Beside a regressor the mean entropy is that of the segment metrics, with `log(p + 2⁻²³)`: it differs by less than
    1e-5.

    Raises:
        ValueError: an array that is no softmax; see `scan_softmax`.
    """
    if regressor is None:
        scan = open_scan(softmax)
        found = find_segments(scan.prediction) if with_segments else None
        return ImagePrediction(
            segmentation=scan.prediction,
            mean_entropy=scan.mean_entropy(),
            entropy=scan.entropy() if with_entropy else None,
            margin=scan.margin() if with_margin else None,
            segments=None if found is None else found.count,
            segment_map=None if found is None else found.segment_map,
        )
    scan = open_scan(softmax, METASEG_LOG_OFFSET, with_entropy)
    segments, table = metrics_of_scan(scan)
    return ImagePrediction(
        segmentation=segments.label_map,
        mean_entropy=scan.mean_entropy(),
        entropy=scan.entropy() if with_entropy else None,
        margin=scan.margin() if with_margin else None,
        predicted_iou=predicted_iou_map(segments, regressor.predict(table)),
        segments=segments.count,
        segment_map=segments.segment_map if with_segments else None,
    )

"""What the network and the meta regressor say about one image, as far as a strategy needs it."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from raymeta.errors import InputError
from raymeta.metaseg.heatmaps import METASEG_LOG_OFFSET
from raymeta.metaseg.meta_regression import MetaRegressor
from raymeta.metaseg.segment_metrics import metrics_of_scan, predicted_iou_map
from raymeta.metaseg.segments import Segments, find_segments
from raymeta.metaseg.softmax_scan import open_scan

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ImagePrediction:
    """Maps and numbers of one image; None where they weren't asked for.

    segmentation: (H, W) uint8, the lowest class wins a tie. entropy: (H, W) float32, normalised.
    margin: (H, W) float32, 1 where the two best classes are alike.
    found: its segments. segment_iou: (S,) float32, the predicted IoU of each.
    class_weights: (H, W) float32, what the classes that a pixel may have are worth.
    """

    segmentation: NDArray[np.uint8]
    mean_entropy: float
    entropy: NDArray[np.float32] | None = None
    margin: NDArray[np.float32] | None = None
    found: Segments | None = None
    segment_iou: NDArray[np.float32] | None = None
    class_weights: NDArray[np.float32] | None = None

    @property
    def segments(self) -> int | None:
        """Their number."""
        return None if self.found is None else self.found.count

    @property
    def segment_map(self) -> NDArray[np.int32] | None:
        """(H, W) int32, from 1, in raster order of their first pixels."""
        return None if self.found is None else self.found.segment_map

    @cached_property
    def predicted_iou(self) -> NDArray[np.float32] | None:
        """(H, W) float32, of each pixel's segment; painted when asked for."""
        return None if self.segment_iou is None else self.painted(self.segment_iou)

    @property
    def mean_predicted_iou(self) -> float | None:
        """Mean over pixels."""
        if self.found is None or self.segment_iou is None:
            return None
        sizes = self.found.runs.sizes[1:]
        return float(np.dot(sizes, self.segment_iou.astype(np.float64)) / sizes.sum())

    def painted(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(H, W) float32: each segment with its value of (S,)."""
        if self.found is None:
            raise InputError("segments can't be painted: the image was predicted without them")
        return predicted_iou_map(self.found, values)


def predict_image(
    softmax: "NDArray[np.float32] | torch.Tensor",
    regressor: MetaRegressor | None = None,
    with_entropy: bool = True,
    with_margin: bool = False,
    with_segments: bool = False,
    class_weights: NDArray[np.float64] | None = None,
) -> ImagePrediction:
    """Segment one image; with a regressor predict the IoU of its segments too.

    softmax: (C, H, W) float32, sums to 1 over C; a tensor stays on its device. with_entropy, with_margin,
    with_segments: keep the map. class_weights: (C,) float64 in [0, 1], make their map.
    Beside a regressor the mean entropy is that of the segment metrics, with `log(p + 2⁻²³)`: it differs by less than
    1e-5.

    Raises:
        ValueError: an array that is no softmax; see `scan_softmax`.
    """
    if regressor is None:
        scan = open_scan(softmax, class_weights=class_weights)
        found = find_segments(scan.prediction) if with_segments else None
        return ImagePrediction(
            segmentation=scan.prediction,
            mean_entropy=scan.mean_entropy(),
            entropy=scan.entropy() if with_entropy else None,
            margin=scan.margin() if with_margin else None,
            found=found,
            class_weights=scan.class_weight_map(),
        )
    scan = open_scan(softmax, METASEG_LOG_OFFSET, with_entropy, class_weights)
    segments, table = metrics_of_scan(scan)
    return ImagePrediction(
        segmentation=segments.label_map,
        mean_entropy=scan.mean_entropy(),
        entropy=scan.entropy() if with_entropy else None,
        margin=scan.margin() if with_margin else None,
        found=segments,
        segment_iou=regressor.predict(table).astype(np.float32),
        class_weights=scan.class_weight_map(),
    )

"""One interface for a softmax wherever it lies: in main memory (numba) or on a torch device."""

import sys
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from raymeta.metaseg.heatmaps import as_softmax, mean_of, scan_softmax
from raymeta.metaseg.segment_sums import SegmentSums, segment_sums
from raymeta.metaseg.segments import Segments

if TYPE_CHECKING:
    import torch


class SoftmaxScan(Protocol):
    """What segments, metrics and maps are made of, after one pass over a softmax; all arrays are in main memory."""

    num_classes: int
    prediction: NDArray[np.uint8]
    """(H, W), the most probable class; the lowest class wins a tie."""

    def entropy(self) -> NDArray[np.float32]:
        """(H, W), `-Σ p log p / log C` without any offset, as computed, not clipped."""

    def margin(self) -> NDArray[np.float32]:
        """(H, W), `1 - p_max + p_second`, as computed, not clipped."""

    def mean_entropy(self) -> float:
        """Mean over pixels of the entropy with this scan's log offset."""

    def class_weight_map(self) -> NDArray[np.float32] | None:
        """(H, W), `Σ p w` with this scan's class weights; None without."""

    def segment_sums(self, segments: Segments) -> SegmentSums:
        """Sums over the pixels of every segment; the entropy with this scan's log offset."""


class HostScan:
    """Scan of a numpy array."""

    def __init__(
        self,
        softmax: NDArray[np.floating[Any]],
        log_offset: float = 0.0,
        with_entropy: bool = False,
        class_weights: NDArray[np.float64] | None = None,
    ) -> None:
        """softmax: (C, H, W) float32. Errors and log_offset as for `scan_softmax`; the rest as for `open_scan`."""
        self._softmax = as_softmax(softmax)
        self._log_offset = log_offset
        self._heatmaps = scan_softmax(self._softmax, log_offset, with_entropy and log_offset != 0, class_weights)
        self.num_classes = len(self._softmax)
        self.prediction = self._heatmaps.prediction

    def entropy(self) -> NDArray[np.float32]:
        """See SoftmaxScan."""
        if self._log_offset == 0:
            return self._heatmaps.entropy
        known = self._heatmaps.plain_entropy
        return scan_softmax(self._softmax).entropy if known is None else known

    def margin(self) -> NDArray[np.float32]:
        """See SoftmaxScan."""
        return self._heatmaps.margin

    def mean_entropy(self) -> float:
        """See SoftmaxScan."""
        return mean_of(self._heatmaps.entropy)

    def class_weight_map(self) -> NDArray[np.float32] | None:
        """See SoftmaxScan."""
        return self._heatmaps.class_weights

    def segment_sums(self, segments: Segments) -> SegmentSums:
        """See SoftmaxScan."""
        return segment_sums(self._softmax, self._heatmaps, segments)


def open_scan(
    softmax: "NDArray[np.floating[Any]] | torch.Tensor",
    log_offset: float = 0.0,
    with_entropy: bool = False,
    class_weights: NDArray[np.float64] | None = None,
) -> SoftmaxScan:
    """Scan a softmax where it lies.

    softmax: (C, H, W), sums to 1 over C, 2 to 255 classes; a numpy array or a torch tensor of floats.
    with_entropy: `entropy` will be asked for: where there is an offset, the one pass makes both.
    class_weights: (C,) float64 in [0, 1], for `class_weight_map`.

    Raises:
        ValueError: see `scan_softmax`; another number of weights than classes.
    """
    torch = sys.modules.get("torch")  # whoever gives a tensor has imported it; who doesn't needn't
    if torch is None or not isinstance(softmax, torch.Tensor):
        return HostScan(cast("NDArray[np.floating[Any]]", softmax), log_offset, with_entropy, class_weights)
    from raymeta.metaseg.device_scan import DeviceScan

    return DeviceScan(softmax, log_offset, class_weights)

"""A softmax scanned by torch on the device on which it lies: it is never copied to main memory."""

import math
from collections.abc import Iterable
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raymeta.metaseg.heatmaps import MAX_CLASSES, SUM_TOLERANCE, not_a_distribution
from raymeta.metaseg.segment_runs import SegmentRuns, run_pixels, segment_runs
from raymeta.metaseg.segment_sums import SegmentSums
from raymeta.metaseg.segments import Segments
from raymeta.metaseg.weighted_probabilities import weights_of_classes

INTEGER_BITS: Final = 62
"""Bits that the sum over a whole image may fill, of the 63 of an int64."""


class DeviceScan:
    """Scan of a (C, H, W) tensor; see `SoftmaxScan`.

    Only the prediction, sums over segments and, where asked for, one entropy map leave the device. The planes of the
    classes are taken one after the other, so that the memory beside the softmax is that of some planes.
    """

    def __init__(
        self, softmax: Tensor, log_offset: float = 0.0, class_weights: NDArray[np.float64] | None = None
    ) -> None:
        """softmax: (C, H, W) of any float type. Errors, log_offset and class_weights as for `scan_softmax`."""
        _check(softmax)
        self._weights = None if class_weights is None else weights_of_classes(class_weights, len(softmax))
        self._softmax = softmax.detach().to(torch.float32)
        self._log_offset = log_offset
        self.num_classes = len(softmax)
        first = torch.full_like(self._softmax[0], -1.0)
        second, lowest = first.clone(), torch.zeros_like(first)
        total, labels = torch.zeros_like(first), torch.zeros_like(first, dtype=torch.uint8)
        for label, plane in enumerate(self._softmax):
            labels.masked_fill_(plane > first, label)
            torch.maximum(second, torch.minimum(first, plane), out=second)
            torch.maximum(first, plane, out=first)
            torch.minimum(lowest, plane, out=lowest)
            total += plane
        _check_distributions(self._softmax, total, lowest)
        self._entropy = self._entropy_map(log_offset)
        self._margin = second.sub_(first).add_(1.0)
        self.prediction: NDArray[np.uint8] = labels.cpu().numpy()

    def entropy(self) -> NDArray[np.float32]:
        """See SoftmaxScan."""
        entropy = self._entropy if self._log_offset == 0 else self._entropy_map(0.0)
        return entropy.cpu().numpy()

    def margin(self) -> NDArray[np.float32]:
        """See SoftmaxScan."""
        return self._margin.cpu().numpy()

    def mean_entropy(self) -> float:
        """See SoftmaxScan."""
        return float(self._entropy.mean(dtype=torch.float64))

    def class_weight_map(self) -> NDArray[np.float32] | None:
        """See SoftmaxScan."""
        if self._weights is None:
            return None
        total = torch.zeros_like(self._softmax[0])
        for plane, weight in zip(self._softmax, self._weights.tolist(), strict=True):  # as `weigh_tile`
            total += plane * weight
        return total.cpu().numpy()

    def segment_sums(self, segments: Segments) -> SegmentSums:
        """See SoftmaxScan."""
        runs, count = segment_runs(segments), segments.count
        sums = self._exact_sums([self._entropy, self._margin, *self._softmax], runs, count)
        by_side = sums.reshape(len(sums), count, 2)
        pixels = run_pixels(runs, segments.segment_map.shape[1], count)
        return SegmentSums(
            sizes=pixels[0].reshape(count, 2),
            entropy=by_side[0],
            margin=by_side[1],
            rows=pixels[1].reshape(count, 2).sum(axis=1),
            cols=pixels[2].reshape(count, 2).sum(axis=1),
            probabilities=np.ascontiguousarray(by_side[2:].sum(axis=2).T),
        )

    def _entropy_map(self, log_offset: float) -> Tensor:
        """(H, W) float32 on the device."""
        entropy = torch.zeros_like(self._softmax[0])
        for plane in self._softmax:
            entropy -= torch.xlogy(plane, plane + log_offset)
        return entropy.mul_(1 / math.log(self.num_classes))

    def _exact_sums(self, planes: Iterable[Tensor], runs: SegmentRuns, count: int) -> NDArray[np.float64]:
        """Sum of each (H, W) plane over both sides of each segment: (planes, 2·S) float64.

        Values become multiples of 2^-k, as small as int64 sums of the image allow (2⁻⁴¹ at 2 megapixels: a float32
        probability above 2⁻¹⁷ stays what it is). Integer sums don't depend on their order, while the atomic additions
        of a GPU come in another one each time: float sums would let queries differ between runs.
        """
        device = self._softmax.device
        scale = 2.0 ** (INTEGER_BITS - math.ceil(math.log2(self._softmax[0].numel())))
        last = torch.from_numpy(runs.ends - 1).to(device)
        keys = torch.from_numpy(runs.keys).to(device)
        per_run = []
        for plane in planes:
            whole = plane.flatten().double().mul_(scale).round_().long().cumsum(0)
            per_run.append(torch.diff(whole[last], prepend=whole.new_zeros(1)))
        stacked = torch.stack(per_run)
        sums = stacked.new_zeros((len(stacked), 2 * count + 1)).index_add_(1, keys, stacked)
        return sums[:, :-1].double().div_(scale).cpu().numpy()


def _check(softmax: Tensor) -> None:
    """Refuse what `as_softmax` refuses."""
    if not softmax.is_floating_point():
        raise ValueError(f"softmax has dtype {softmax.dtype}: pass float32 probabilities")
    if softmax.ndim != 3 or softmax.numel() == 0:
        raise ValueError(f"softmax has shape {tuple(softmax.shape)}: pass one image as (C, H, W)")
    if not 2 <= len(softmax) <= MAX_CLASSES:
        raise ValueError(f"softmax has {len(softmax)} classes: 2 to {MAX_CLASSES} are possible, as (C, H, W)")


def _check_distributions(softmax: Tensor, total: Tensor, lowest: Tensor) -> None:
    """Name the first pixel that holds no distribution; NaN shows in its sum, which then is not near 1."""
    good = ((total - 1).abs() <= SUM_TOLERANCE) & (lowest >= 0)
    if not bool(good.all()):
        row, col = divmod(int((~good).flatten().to(torch.uint8).argmax()), softmax.shape[2])
        raise not_a_distribution(row, col, softmax[:, row, col].cpu().numpy())

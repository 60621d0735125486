"""Crops of what a frozen encoder made of an image: a step on parts of many images teaches more than on few whole ones.

Features of several strides are cut along the cells of the coarsest, where all of them meet; see `bilinear_resizing`.
The encoder has seen the whole image, so that a crop knows its surroundings.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from raymeta.errors import InputError
from raymeta.networks.inference import encode_image
from raymeta.networks.segmentation_network import Encoded, SegmentationNetwork
from raymeta.schemas import IGNORE
from raymeta.training.random_crops import Crop, Example

CellPlaces = Callable[[int, int], NDArray[np.int64]]
"""See `SegmentationNetwork.cell_places`."""


class ComputedFeatures:
    """A `FeatureSource` that keeps nothing."""

    def __init__(
        self,
        network: SegmentationNetwork,
        train_example: Callable[[int], Example],
        validation_example: Callable[[int], Example],
        device: torch.device,
    ) -> None:
        """network: on the device. train_example, validation_example: give an image and its labels."""
        self._network = network
        self._train_example = train_example
        self._validation_example = validation_example
        self._device = device

    def train_features(self, index: int, flip: bool) -> Encoded:
        """Of a training image."""
        image, _ = self._train_example(index)
        return encode_image(self._network, image[:, ::-1] if flip else image, self._device)

    def validation_features(self, index: int) -> Encoded:
        """Of a validation image."""
        return encode_image(self._network, self._validation_example(index)[0], self._device)


def cut_features(
    encoded: Encoded, labels: NDArray[np.uint8], crop: Crop, cell_places: CellPlaces, *others: NDArray[np.uint8]
) -> tuple[Encoded, NDArray[np.uint8], *tuple[NDArray[np.uint8], ...]]:
    """A crop of features and the labels at the cells of its finest.

    It lies where labels are: each place that it can have is as likely as it holds labelled cells.

    Args:
        encoded: of one whole image, finest first.
        labels: (H, W) uint8 of the image, 255 ignored.
        crop: its height and width in pixels are rounded to cells of the coarsest features, at least one; at most the
            whole image. Its scale is not looked at.
        cell_places: of the network.
        others: (H, W) uint8 each, cut at the same place.

    Returns:
        The part, and (h, w) uint8 labels of its finest cells; then the same of the others.

    Raises:
        ValueError: cells of the coarsest features don't lie on cells of the others, as in some encoders of timm.
    """
    fine, coarse = (tuple(encoded.features[level].shape[-2:]) for level in (0, -1))
    places = cell_places(labels.shape[0], fine[0]), cell_places(labels.shape[1], fine[1])
    at_cells, *others_at_cells = (_labels_at_cells(values, *places) for values in (labels, *others))
    spans = (
        _intervals(crop.height, labels.shape[0], coarse[0]),
        _intervals(crop.width, labels.shape[1], coarse[1]),
    )
    top, left = _place(at_cells != IGNORE, coarse, spans, crop)
    parts = []
    for feature in encoded.features:
        rows, columns = (
            _cells(feature.shape[-2], coarse[0], top, spans[0]),
            _cells(feature.shape[-1], coarse[1], left, spans[1]),
        )
        parts.append(feature[..., rows, columns])
    rows, columns = _cells(fine[0], coarse[0], top, spans[0]), _cells(fine[1], coarse[1], left, spans[1])
    part = replace(encoded, features=tuple(parts), part=True)
    return part, at_cells[rows, columns], *(values[rows, columns] for values in others_at_cells)


def _labels_at_cells(
    labels: NDArray[np.uint8], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Labels at these rows and columns, ignored beyond the image."""
    height, width = labels.shape
    found = labels[np.ix_(np.minimum(rows, height - 1), np.minimum(columns, width - 1))]
    found[rows >= height] = IGNORE
    found[:, columns >= width] = IGNORE
    return found


def _intervals(wanted: int, side: int, cells: int) -> int:
    """Intervals between coarsest cells that are about `wanted` of `side` pixels; 0 where there is one cell only."""
    return min(cells - 1, max(1, round(wanted * (cells - 1) / side)))


def _cells(cells: int, coarse: int, start: int, span: int) -> slice:
    """Cells of a stride from coarsest cell `start` to coarsest cell `start + span`, both among them."""
    factor, rest = divmod(cells - 1, max(1, coarse - 1))
    if rest:
        raise InputError(
            f"training.crop_height: {coarse} coarse cells of this encoder don't lie on {cells} finer ones; leave "
            "crop_height and crop_width out"
        )
    return slice(start * factor, (start + span) * factor + 1)


def _place(labelled: NDArray[np.bool_], coarse: Sequence[int], spans: tuple[int, int], crop: Crop) -> tuple[int, int]:
    """Coarsest row and column where the crop begins."""
    sums = np.pad(labelled.cumsum(0, dtype=np.int64).cumsum(1), ((1, 0), (1, 0)))
    rows = [_cells(labelled.shape[0], coarse[0], start, spans[0]) for start in range(coarse[0] - spans[0])]
    columns = [_cells(labelled.shape[1], coarse[1], start, spans[1]) for start in range(coarse[1] - spans[1])]
    tops, bottoms = np.array([[part.start, part.stop] for part in rows]).T
    lefts, rights = np.array([[part.start, part.stop] for part in columns]).T
    held = (sums[np.ix_(bottoms, rights)] - sums[np.ix_(tops, rights)] - sums[np.ix_(bottoms, lefts)]) + sums[
        np.ix_(tops, lefts)
    ]
    top = _draw(held.sum(1), crop.top)
    return top, _draw(held[top], crop.left)


def _draw(weights: NDArray[np.int64], share: float) -> int:
    """The place at `share` of the weights; all weigh alike where none weighs anything. share: in [0, 1)."""
    cumulative = np.cumsum(weights if weights.any() else np.ones_like(weights))
    return int(np.searchsorted(cumulative, share * cumulative[-1], side="right"))

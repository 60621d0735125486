"""The joint score of every box of an image: its gain, joined with what it costs (docs/method.md#joint-score)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raymeta.acquisition import priority_maps
from raymeta.acquisition.aggregated_maps import aggregate
from raymeta.acquisition.box_clicks import box_click_counts, multiply_by_normalized, normalized_clicks
from raymeta.acquisition.cell_sums import sums_at
from raymeta.acquisition.fusion import gain_per_click, weighted_sum
from raymeta.acquisition.image_prediction import ImagePrediction
from raymeta.acquisition.predicted_clicks import PredictedClicks
from raymeta.acquisition.strategies import Priority, Strategy
from raymeta.config import ClicksPriority
from raymeta.errors import InputError

Mask = NDArray[np.bool_]
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class PriorityMaps:
    """The priority maps of one image, made on demand.

    prediction: with class weights their map multiplies those of gains. clicks: (H, W) uint8 κ. labelled: (H, W) bool.
    noise_key: seed, iteration, image id.
    """

    prediction: ImagePrediction
    clicks: NDArray[np.uint8]
    labelled: Mask
    noise_key: tuple[int, int, str]

    def make(self, priority: Priority) -> NDArray[np.float32]:
        """(H, W) float32 in [0, 1], 0 where labelled; ValueError where the prediction lacks what it is made of."""
        plain = self._plain(priority)
        weights = self.prediction.class_weights
        return plain if weights is None or priority == "clicks" else priority_maps.weighted(plain, weights)

    def _plain(self, priority: Priority) -> NDArray[np.float32]:
        if priority == "random":
            height, width = self.labelled.shape
            return priority_maps.random_priority(*self.noise_key, height, width, self.labelled)
        if priority == "clicks":
            return priority_maps.clicks_priority(self.clicks, self.labelled)
        if priority == "entropy" and self.prediction.entropy is not None:
            return priority_maps.entropy_priority(self.prediction.entropy, self.labelled)
        if priority == "margin" and self.prediction.margin is not None:
            return priority_maps.margin_priority(self.prediction.margin, self.labelled)
        if priority == "metaseg" and self.prediction.segment_iou is not None:
            worth = priority_maps.metaseg_priority(self.prediction.segment_iou)
            return priority_maps.without_labelled(self.prediction.painted(worth), self.labelled)
        raise InputError(f"the {priority} priority can't be made: the image was predicted without its heatmap")

    def shown(self, strategy: Strategy) -> dict[str, NDArray[Any]]:
        """Everything that a picture or the service shows, whether or not the strategy uses it."""
        names: set[Priority] = {"entropy", "clicks", *strategy.priorities}
        maps: dict[str, NDArray[Any]] = {"segmentation": self.prediction.segmentation, "estimated_clicks": self.clicks}
        if self.prediction.predicted_iou is not None:
            names.add("metaseg")
            maps["predicted_iou"] = self.prediction.predicted_iou
        return maps | {name: self.make(name) for name in names}


@dataclass(frozen=True)
class BoxClicks:
    """What the boxes of an image cost.

    clicks: (H, W) uint8 κ, estimated or true. labelled: (H, W) bool. clicks_max: for the normalised click priority.
    learned: clicks that a cost model predicts, in place of κ for a ratio.
    """

    clicks: NDArray[np.uint8]
    labelled: Mask
    box_width: int
    clicks_priority: ClicksPriority = "normalized"
    clicks_max: int | None = None
    learned: PredictedClicks | None = None

    def cheapness(self, maps: PriorityMaps) -> Scores:
        """The click priority of every box: of `paper` the sum over its pixels, of `normalized` in [0, 1]."""
        if self.clicks_priority == "normalized":
            return normalized_clicks(self.clicks, self.box_width, self.clicks_max, self.labelled)
        return aggregate(maps.make("clicks"), self.box_width)

    def multiply(self, gain: Scores, maps: PriorityMaps) -> None:
        """Multiply the gain of every box by its cheapness, in place."""
        if self.clicks_priority == "normalized":
            multiply_by_normalized(gain, self.clicks, self.box_width, self.clicks_max, self.labelled)
        else:
            gain *= self.cheapness(maps)

    def counts(self) -> Scores:
        """Clicks of every box; predicted ones are those of the lattice."""
        if self.learned is not None:
            return self.learned.clicks
        return box_click_counts(self.clicks, self.box_width, self.labelled)

    def sums(self, priority_map: NDArray[np.float32]) -> Scores:
        """Sums of a map over every box that may be asked for: with predicted clicks those of the lattice alone."""
        if self.learned is not None:
            return sums_at(priority_map, self.learned.tops, self.learned.lefts, self.box_width)
        return aggregate(priority_map, self.box_width)


def joint_scores(strategy: Strategy, maps: PriorityMaps, box_clicks: BoxClicks) -> Scores:
    """(H-b+1, W-b+1) float64: the joint score of every box; 0 without priorities, so that nothing is queried.

    With predicted clicks (T, L) float64: of the boxes of their lattice, as no other may be asked for.
    """
    width = box_clicks.box_width
    height, columns = box_clicks.labelled.shape
    if not strategy.gains:
        return np.zeros((height - width + 1, columns - width + 1))
    gain = box_clicks.sums(maps.make(strategy.gains[0]))
    for priority in strategy.gains[1:]:
        gain *= box_clicks.sums(maps.make(priority))
    if not strategy.uses_clicks:
        return gain
    if strategy.fusion == "ratio":
        return gain_per_click(gain, box_clicks.counts(), strategy.open_cost)
    if strategy.fusion == "weighted_sum":
        cheapness = box_clicks.cheapness(maps)
        if box_clicks.clicks_priority == "paper":
            cheapness *= 1.0 / width**2
        return weighted_sum(gain, cheapness, strategy.gain_weight, width)
    box_clicks.multiply(gain, maps)
    return gain

"""The chain for one image: softmax → segments → predicted IoU → priority maps → box scores → candidates."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from raymeta.acquisition.aggregated_maps import aggregate
from raymeta.acquisition.candidate_boxes import greedy_boxes
from raymeta.acquisition.priority_maps import clicks_priority as clicks_map
from raymeta.acquisition.priority_maps import entropy_priority, metaseg_priority, random_priority
from raymeta.acquisition.strategies import STRATEGIES, Priority, Strategy
from raymeta.annotation.click_estimation import default_epsilon, estimate_clicks
from raymeta.boxes import check_box_width
from raymeta.config import ClicksPriority
from raymeta.metaseg.heatmaps import entropy
from raymeta.metaseg.meta_regression import MetaRegressor
from raymeta.metaseg.segment_metrics import predicted_iou_map, segment_metrics
from raymeta.schemas import ESTIMATED_CLICKS, IMAGE_ID, LEFT, TOP

LEAST_CLICKS_FACTOR = 0.001
"""A box with as many clicks as the largest on the sample keeps this share of its score."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class ImageScore:
    """What scoring one image gives.

    candidates: rows of CANDIDATE_SCHEMA with `estimated_clicks` and `unlabelled_pixels`, in rank order.
    statistics: columns of POOL_IMAGE_SCHEMA. maps: (H, W) arrays by name, only where they were asked for; `joint` is
    (H-b+1, W-b+1), a cell for the box with that top-left pixel.
    """

    candidates: pa.Table
    statistics: dict[str, Any]
    maps: dict[str, NDArray[Any]] | None


def score_image(
    softmax: NDArray[np.float32],
    *,
    strategy: str,
    box_width: int,
    seed: int,
    iteration: int,
    image_id: str,
    regressor: MetaRegressor | None = None,
    labelled_mask: Mask | None = None,
    true_vertex_map: NDArray[np.uint8] | None = None,
    epsilon: float | None = None,
    clicks_priority: ClicksPriority = "normalized",
    clicks_max: int | None = None,
    query_size: int | None = None,
    min_score: float = 0.0,
    keep_maps: bool = False,
) -> ImageScore:
    """Candidate boxes of one image under a strategy (arXiv:2010.01884, Sec. 3; DESIGN 2.2-2.5).

    softmax: (C, H, W) float32. regressor: fitted, for metabox strategies. labelled_mask: (H, W) bool.
    true_vertex_map: (H, W) uint8 visible vertices of the ground truth, for `_star` strategies. epsilon: tolerance in
    pixels, None for the default. clicks_max: for the normalised click priority. query_size: most candidates.
    min_score: the sequence ends when the next score is strictly below it.

    Raises:
        ValueError: an unknown strategy, a missing input of the strategy, or sizes that don't fit.
    """
    chosen = _known_strategy(strategy)
    check_box_width(box_width, *softmax.shape[1:])
    maps = _ImageMaps(softmax, labelled_mask, regressor)
    maps.mark_clicks(chosen, true_vertex_map, epsilon)
    joint = np.ones(1)
    for priority in chosen.priorities:
        if priority == "clicks" and clicks_priority == "normalized":
            factor = normalized_clicks(maps.clicks, maps.labelled, box_width, clicks_max)
        else:
            factor = aggregate(maps.priority(priority, seed, iteration, image_id), box_width)
        joint = joint * factor
    boxes = greedy_boxes(joint, box_width, query_size, min_score) if chosen.priorities else greedy_boxes(
        np.zeros((1, 1)), box_width
    )
    candidates = _with_counts(boxes, image_id, maps, box_width)
    kept = maps.all_maps(seed, iteration, image_id) | {"joint": joint} if keep_maps else None
    return ImageScore(candidates, maps.statistics(candidates), kept)


def normalized_clicks(
    clicks: NDArray[np.uint8], labelled_mask: Mask, box_width: int, clicks_max: int | None
) -> NDArray[np.float64]:
    """`(unlabelled(B)/b²)·max(0.001, 1 - clicks(B)/clicks_max)` for every box, clicks over unlabelled pixels.

    clicks: (H, W) uint8 κ. labelled_mask: (H, W) bool. Returns (H-b+1, W-b+1) float64.

    Raises:
        ValueError: no clicks_max, or one below 1.
    """
    if clicks_max is None or clicks_max < 1:
        raise ValueError(f"clicks_max {clicks_max}: the normalised click priority needs the largest count, at least 1")
    free = ~labelled_mask
    share = aggregate(free.astype(np.uint8), box_width) / box_width**2
    in_box = aggregate(clicks * free, box_width)
    return share * np.maximum(LEAST_CLICKS_FACTOR, 1.0 - in_box / clicks_max)


def largest_box_clicks(
    softmax: NDArray[np.float32],
    *,
    box_width: int,
    labelled_mask: Mask | None = None,
    true_vertex_map: NDArray[np.uint8] | None = None,
    epsilon: float | None = None,
) -> int:
    """Largest click count over unlabelled pixels of any box of one image; its maximum over a sample is clicks_max.

    softmax: (C, H, W) float32. true_vertex_map: takes the place of the estimated clicks where it is given.
    """
    clicks = true_vertex_map
    if clicks is None:
        clicks = estimate_clicks(predict(softmax), epsilon or default_epsilon(softmax.shape[1]))
    free = np.ones(clicks.shape, dtype=bool) if labelled_mask is None else ~labelled_mask
    return int(aggregate(clicks * free, box_width).max())


def predict(softmax: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(H, W) uint8 arg-max of a (C, H, W) softmax; the lowest class wins a tie."""
    return np.argmax(softmax, axis=0).astype(np.uint8)


class _ImageMaps:
    """The maps of one image, each made when a strategy first needs it."""

    def __init__(
        self, softmax: NDArray[np.float32], labelled_mask: Mask | None, regressor: MetaRegressor | None
    ) -> None:
        self.softmax = softmax
        self.shape = softmax.shape[1:]
        self.labelled = np.zeros(self.shape, dtype=bool) if labelled_mask is None else labelled_mask
        if self.labelled.shape != self.shape:
            raise ValueError(f"labelled_mask has shape {self.labelled.shape}, the softmax {self.shape}: give the same")
        self.regressor = regressor
        self.prediction = predict(softmax)
        self.made: dict[str, NDArray[Any]] = {}
        self.numbers: dict[str, Any] = {}

    def mark_clicks(self, strategy: Strategy, vertices: NDArray[np.uint8] | None, epsilon: float | None) -> None:
        """Estimate clicks, or take the true ones that a `_star` strategy needs."""
        if strategy.true_clicks and vertices is None:
            raise ValueError(f"strategy {strategy.name} counts true clicks: give true_vertex_map")
        if strategy.true_clicks and vertices is not None:
            self.clicks = vertices
        else:
            self.clicks = estimate_clicks(self.prediction, epsilon or default_epsilon(self.shape[0]))

    def priority(self, name: Priority, seed: int, iteration: int, image_id: str) -> NDArray[np.float32]:
        """(H, W) float32 priority map, 0 where labelled."""
        if name == "random":
            return random_priority(seed, iteration, image_id, *self.shape, self.labelled)
        if name == "entropy":
            return entropy_priority(self.entropy(), self.labelled)
        if name == "clicks":
            return clicks_map(self.clicks, self.labelled)
        return metaseg_priority(self.predicted_iou(), self.labelled)

    def entropy(self) -> NDArray[np.float32]:
        """(H, W) float32 normalised entropy."""
        if "entropy" not in self.made:
            self.made["entropy"] = entropy(self.softmax)
            self.numbers["mean_entropy"] = float(self.made["entropy"].mean())
        return self.made["entropy"]

    def predicted_iou(self) -> NDArray[np.float32]:
        """(H, W) float32 predicted IoU of each pixel's segment."""
        if self.regressor is None:
            raise ValueError("a metabox strategy predicts IoU: give a fitted meta regressor")
        if "predicted_iou" not in self.made:
            segments, table = segment_metrics(self.softmax)
            self.made["predicted_iou"] = predicted_iou_map(segments, self.regressor.predict(table))
            self.numbers["segments"] = table.num_rows
            self.numbers["mean_predicted_iou"] = float(self.made["predicted_iou"].mean())
        return self.made["predicted_iou"]

    def all_maps(self, seed: int, iteration: int, image_id: str) -> dict[str, NDArray[Any]]:
        """Everything that a picture or the service shows."""
        names: list[Priority] = ["entropy", "clicks", "random"]
        if self.regressor is not None:
            self.predicted_iou()
            names.append("metaseg")
        shown = {"segmentation": self.prediction, "estimated_clicks": self.clicks, **self.made}
        return shown | {name: self.priority(name, seed, iteration, image_id) for name in names}

    def statistics(self, candidates: pa.Table) -> dict[str, Any]:
        """Columns of POOL_IMAGE_SCHEMA; null where the strategy doesn't need the number."""
        count = candidates.num_rows
        return {
            "segments": self.numbers.get("segments"),
            "mean_predicted_iou": self.numbers.get("mean_predicted_iou"),
            "mean_entropy": self.numbers.get("mean_entropy"),
            "estimated_clicks": int((self.clicks * ~self.labelled).sum()),
            "unlabelled_pixels": int((~self.labelled).sum()),
            "best_score": candidates["score"][0].as_py() if count else None,
            "candidates": count,
        }


def _known_strategy(name: str) -> Strategy:
    if name not in STRATEGIES:
        raise ValueError(f"strategy {name!r} is unknown: choose one of {', '.join(STRATEGIES)}")
    return STRATEGIES[name]


def _with_counts(boxes: pa.Table, image_id: str, maps: _ImageMaps, box_width: int) -> pa.Table:
    free = ~maps.labelled
    top, left = boxes[TOP].to_numpy(), boxes[LEFT].to_numpy()
    clicks = aggregate(maps.clicks * free, box_width)[top, left].astype(np.int64)
    pixels = aggregate(free.astype(np.uint8), box_width)[top, left].astype(np.int64)
    columns = {IMAGE_ID: pc.cast(pa.array([image_id] * boxes.num_rows), pa.string())}
    columns |= {name: boxes[name] for name in boxes.column_names}
    return pa.table({**columns, ESTIMATED_CLICKS: pa.array(clicks), "unlabelled_pixels": pa.array(pixels)})

"""The chain for one image: softmax → segments → predicted IoU → priority maps → box scores → candidates."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from raymeta.acquisition.box_clicks import box_click_counts, unlabelled_clicks, unlabelled_counts
from raymeta.acquisition.candidate_boxes import greedy_boxes
from raymeta.acquisition.candidate_columns import with_columns
from raymeta.acquisition.image_prediction import ImagePrediction, predict_image
from raymeta.acquisition.joint_score import BoxClicks, PriorityMaps, joint_scores
from raymeta.acquisition.learned_cost import CostRegressor
from raymeta.acquisition.predicted_clicks import PredictedClicks, predict_box_clicks
from raymeta.acquisition.segment_candidates import PIXELS, segment_candidates
from raymeta.acquisition.strategies import Strategy, find_strategy
from raymeta.annotation.click_estimation import default_epsilon, estimate_clicks
from raymeta.argument_checks import check_array, check_choice, whole_number
from raymeta.boxes import check_box_width
from raymeta.config import ClicksPriority, SegmentsConfig
from raymeta.errors import InputError
from raymeta.metaseg.meta_regression import MetaRegressor
from raymeta.schemas import CANDIDATE_SCHEMA, ESTIMATED_CLICKS, LEFT, SCORE, SEGMENT_FIELDS, TOP

if TYPE_CHECKING:
    import torch

Mask = NDArray[np.bool_]

UNLABELLED_PIXELS: Final = "unlabelled_pixels"
SCORED_SCHEMA: Final = pa.schema([*CANDIDATE_SCHEMA, (ESTIMATED_CLICKS, pa.int64()), (UNLABELLED_PIXELS, pa.int64())])
"""Candidates of `score_image`; both counts are over the box's unlabelled pixels."""


@dataclass(frozen=True)
class ImageScore:
    """What scoring one image gives.

    candidates: SCORED_SCHEMA, in rank order. statistics: POOL_IMAGE_SCHEMA from `segments` to `candidates`, None where
    the strategy needs no such number. maps: by name, only where asked for; (H, W), but `joint` is (H-b+1, W-b+1).
    """

    candidates: pa.Table
    statistics: dict[str, Any]
    maps: dict[str, NDArray[Any]] | None


def score_image(
    softmax: "NDArray[np.float32] | torch.Tensor",
    *,
    strategy: str | Strategy,
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
    class_weights: NDArray[np.float64] | None = None,
    cost_regressor: CostRegressor | None = None,
    needs: Collection[str] = (),
    segments: SegmentsConfig | None = None,
    superpixels: NDArray[np.int32] | None = None,
) -> ImageScore:
    """Candidates of one image under a strategy (arXiv:2010.01884, Sec. 3; docs/method.md#candidates).

    softmax: (C, H, W) float32; a torch tensor is worked on where it lies. regressor: fitted, for metabox strategies.
    labelled_mask: (H, W) bool. true_vertex_map: (H, W) uint8, 1 at visible vertices of the ground truth, for `_star`
    strategies. epsilon: RDP tolerance in pixels, None for the default. clicks_max: for the normalised click priority.
    query_size: at most this many candidates. min_score: the sequence ends when the next score is strictly below it.
    class_weights: (C,) float64 in [0, 1], for strategies that weigh classes. cost_regressor: for learned clicks.
    needs: columns of `candidate_columns` that candidates carry. segments: in place of boxes ask for the best part of a
    predicted segment in each tile of `box_width`; candidates then have SEGMENT_FIELDS too. superpixels: (H, W) int32
    numbers from 1, whose parts are asked then in place of predicted segments'.

    Raises:
        ValueError: an unknown strategy or click priority, a missing input of the strategy, no softmax, sizes that don't
            fit, or numbers that aren't whole where they must be.
    """
    chosen = strategy if isinstance(strategy, Strategy) else find_strategy(strategy)
    check_choice("clicks_priority", clicks_priority, ClicksPriority)
    _check_noise_key(seed, iteration, image_id)
    box_width = whole_number("box_width", box_width, least=1)
    query_size = None if query_size is None else whole_number("query_size", query_size)
    labelled = _labelled_pixels(softmax, box_width, labelled_mask)
    _check_present(chosen, regressor, true_vertex_map, class_weights, cost_regressor)
    _check_superpixels(superpixels, segments, labelled.shape)
    by_segment = segments is not None and superpixels is None
    prediction = _prediction(softmax, chosen, regressor, class_weights, keep_maps, by_segment)
    clicks = _click_map(prediction.segmentation, true_vertex_map if chosen.true_clicks else None, epsilon)
    maps = PriorityMaps(prediction, clicks, labelled, (seed, iteration, image_id))
    learned = None if segments else _learned_clicks(chosen, prediction, clicks, box_width, len(softmax), cost_regressor)
    box_clicks = BoxClicks(clicks, labelled, box_width, clicks_priority, clicks_max, learned)
    if segments is None:
        candidates, joint = _boxes(chosen, maps, box_clicks, query_size, min_score, keep_maps)
    else:
        candidates, joint = _parts(chosen, maps, box_clicks, superpixels, segments, query_size, min_score, keep_maps)
    if needs and chosen.gains:
        candidates = with_columns(candidates, needs, softmax, maps.make(chosen.gains[0]), box_width)
    shown = None if joint is None else {**maps.shown(chosen), "joint": joint}
    return ImageScore(candidates, _statistics(prediction, clicks, labelled, candidates), shown)


def largest_box_clicks(
    softmax: "NDArray[np.float32] | torch.Tensor",
    *,
    box_width: int,
    labelled_mask: Mask | None = None,
    true_vertex_map: NDArray[np.uint8] | None = None,
    epsilon: float | None = None,
) -> int:
    """Most clicks over unlabelled pixels of any box of one image.

    The largest over a sample of images, and at least 1, is `clicks_max` (docs/method.md#normalised-click-priority).
    Inputs and errors as for `score_image`; true_vertex_map takes the place of the estimated clicks where it is given.
    """
    labelled = _labelled_pixels(softmax, box_width, labelled_mask)
    clicks = _click_map(predict_image(softmax, with_entropy=False).segmentation, true_vertex_map, epsilon)
    return int(box_click_counts(clicks, box_width, labelled).max())


def _check_noise_key(seed: int, iteration: int, image_id: str) -> None:
    """Raise ValueError unless noise can be seeded by them."""
    for name, value in (("seed", seed), ("iteration", iteration)):
        whole_number(name, value)
    if not isinstance(image_id, str):
        raise InputError(f"image_id {image_id!r} isn't text: give the id as str")


def _labelled_pixels(softmax: "NDArray[np.float32] | torch.Tensor", box_width: int, labelled_mask: Mask | None) -> Mask:
    """(H, W) bool; raises ValueError unless a box fits into the image and the mask has its size."""
    if not hasattr(softmax, "ndim"):
        raise InputError(f"softmax is a {type(softmax).__name__}: give a numpy array or a tensor (C, H, W)")
    if softmax.ndim != 3:
        raise InputError(f"softmax has shape {softmax.shape}: pass one image as (C, H, W)")
    _, height, width = softmax.shape
    check_box_width(box_width, height, width)
    if labelled_mask is None:
        return np.zeros((height, width), dtype=bool)
    check_array("labelled_mask", labelled_mask)
    if labelled_mask.shape != (height, width) or labelled_mask.dtype != np.bool_:
        found = f"shape {labelled_mask.shape} and dtype {labelled_mask.dtype}"
        raise InputError(f"labelled_mask has {found}: give a bool map of the softmax's size ({height}, {width})")
    return labelled_mask


def _check_superpixels(
    superpixels: NDArray[np.int32] | None, segments: SegmentsConfig | None, size: tuple[int, ...]
) -> None:
    """Raise InputError unless these are the numbers of an image's superpixels, and parts are asked for; or None."""
    if superpixels is None:
        return
    if segments is None:
        raise InputError("superpixels without segments: give segments, which says what parts are asked for")
    check_array("superpixels", superpixels, "iu")
    if superpixels.shape != size:
        raise InputError(f"superpixels have shape {superpixels.shape}: give those of the image, {size}")
    if superpixels.size and superpixels.min() < 1:
        raise InputError(f"superpixels hold {superpixels.min()}: number them from 1")


def _check_present(
    strategy: Strategy,
    regressor: MetaRegressor | None,
    vertices: NDArray[np.uint8] | None,
    class_weights: NDArray[np.float64] | None,
    cost_regressor: CostRegressor | None,
) -> None:
    if strategy.needs_meta_regressor and regressor is None:
        raise InputError(f"strategy {strategy.name} predicts IoU: give a fitted meta regressor")
    if strategy.true_clicks and vertices is None:
        raise InputError(f"strategy {strategy.name} counts true clicks: give true_vertex_map")
    if strategy.weighs_classes and class_weights is None:
        raise InputError(f"strategy {strategy.name} weighs classes: give class_weights")
    if strategy.learned_clicks and cost_regressor is None:
        raise InputError(f"strategy {strategy.name} predicts clicks: give a fitted cost_regressor")


def _prediction(
    softmax: "NDArray[np.float32] | torch.Tensor",
    strategy: Strategy,
    regressor: MetaRegressor | None,
    class_weights: NDArray[np.float64] | None,
    everything: bool,
    with_segments: bool,
) -> ImagePrediction:
    """What the strategy needs to know of the prediction; with `everything` also what is only shown."""
    return predict_image(
        softmax,
        regressor if strategy.needs_meta_regressor or everything else None,
        with_entropy=everything or "entropy" in strategy.priorities or strategy.learned_clicks,
        with_margin="margin" in strategy.priorities,
        with_segments=with_segments,
        class_weights=class_weights if strategy.weighs_classes else None,
    )


def _learned_clicks(
    strategy: Strategy,
    prediction: ImagePrediction,
    clicks: NDArray[np.uint8],
    box_width: int,
    num_classes: int,
    cost_regressor: CostRegressor | None,
) -> PredictedClicks | None:
    """What every box will cost, where the strategy predicts that."""
    if not strategy.learned_clicks or cost_regressor is None:
        return None
    return predict_box_clicks(prediction, clicks, box_width, num_classes, cost_regressor)


def _click_map(
    segmentation: NDArray[np.uint8], vertices: NDArray[np.uint8] | None, epsilon: float | None
) -> NDArray[np.uint8]:
    """κ, (H, W) uint8: the given vertices, else the estimated ones of the segmentation."""
    if vertices is None:
        return estimate_clicks(segmentation, default_epsilon(len(segmentation)) if epsilon is None else epsilon)
    check_array("true_vertex_map", vertices)
    if vertices.shape != segmentation.shape:
        raise InputError(f"true_vertex_map has shape {vertices.shape}: give the image's size {segmentation.shape}")
    return (vertices != 0).view(np.uint8)


def _boxes(
    strategy: Strategy,
    maps: PriorityMaps,
    box_clicks: BoxClicks,
    limit: int | None,
    min_score: float,
    keep_joint: bool,
) -> tuple[pa.Table, NDArray[np.float64] | None]:
    """Candidates, with what clicks were predicted from, and the (H-b+1, W-b+1) joint scores where they are kept."""
    width, learned = box_clicks.box_width, box_clicks.learned
    joint = joint_scores(strategy, maps, box_clicks)
    corners = (None, None) if learned is None else (learned.tops, learned.lefts)
    boxes = greedy_boxes(joint, width, limit, min_score, overwrite=not keep_joint, tops=corners[0], lefts=corners[1])
    candidates = _with_counts(boxes, maps.noise_key[2], width, box_clicks.clicks, box_clicks.labelled)
    if learned is None:
        return candidates, joint if keep_joint else None
    return learned.with_columns(candidates), learned.spread(joint) if keep_joint else None


def _parts(
    strategy: Strategy,
    maps: PriorityMaps,
    box_clicks: BoxClicks,
    superpixels: NDArray[np.int32] | None,
    segments: SegmentsConfig,
    limit: int | None,
    min_score: float,
    keep_joint: bool,
) -> tuple[pa.Table, NDArray[np.float64] | None]:
    """The best part of each tile as candidates; none for a strategy without a gain; joint scores as of `_boxes`."""
    part_map = maps.prediction.segment_map if superpixels is None else superpixels
    tile_width = box_clicks.box_width
    if part_map is None:
        raise InputError("parts can't be told: the image was predicted without its segments")
    gain = maps.make(strategy.gains[0]) if strategy.gains else np.zeros(maps.labelled.shape, np.float32)
    parts = segment_candidates(
        part_map,
        maps.prediction.segmentation,
        gain,
        maps.labelled,
        tile_width=tile_width,
        min_pixels=segments.min_pixels,
        by_largest=strategy.gains == ("random",),  # the part that holds a random pixel, not the one with most of them
        limit=limit,
        min_score=min_score,
    )
    image_id, mixed = maps.noise_key[2], segments.mixed == "box"
    drawn = _with_counts(parts, image_id, tile_width, maps.clicks, maps.labelled) if mixed else None
    # The sums of whole boxes are shown: a part's score is no map.
    joint = joint_scores(strategy, maps, box_clicks) if keep_joint else None
    return _with_mask_counts(parts, image_id, drawn), joint


def _with_mask_counts(parts: pa.Table, image_id: str, drawn: pa.Table | None) -> pa.Table:
    """SCORED_SCHEMA and SEGMENT_FIELDS: each part is one click, and its mask is what it has of unlabelled pixels.

    drawn: with the estimated clicks of the tiles, where outlines may follow: the click comes before them.
    """
    ids = pa.array([image_id] * parts.num_rows, pa.string())
    ones = pa.array([1] * parts.num_rows, pa.int64())
    clicks = ones if drawn is None else pc.add(drawn[ESTIMATED_CLICKS], 1)
    columns = [ids, parts[SCORE], parts[TOP], parts[LEFT], clicks, parts[PIXELS]]
    segments = [parts[field.name] for field in SEGMENT_FIELDS]
    return pa.table([*columns, *segments], schema=pa.schema([*SCORED_SCHEMA, *SEGMENT_FIELDS]))


def _with_counts(boxes: pa.Table, image_id: str, box_width: int, clicks: NDArray[np.uint8], labelled: Mask) -> pa.Table:
    """SCORED_SCHEMA: the boxes, with what each holds on its unlabelled pixels."""
    counts = unlabelled_counts(clicks, labelled, boxes[TOP].to_numpy(), boxes[LEFT].to_numpy(), box_width)
    image_ids = pa.array([image_id] * boxes.num_rows, pa.string())
    columns = [image_ids, boxes[SCORE], boxes[TOP], boxes[LEFT], *(pa.array(row) for row in counts)]
    return pa.table(columns, schema=SCORED_SCHEMA)


def _statistics(
    prediction: ImagePrediction, clicks: NDArray[np.uint8], labelled: Mask, candidates: pa.Table
) -> dict[str, Any]:
    """POOL_IMAGE_SCHEMA from `segments` to `candidates`."""
    return {
        "segments": prediction.segments,
        "mean_predicted_iou": prediction.mean_predicted_iou,
        "mean_entropy": prediction.mean_entropy,
        ESTIMATED_CLICKS: int(np.count_nonzero(unlabelled_clicks(clicks, labelled))),
        UNLABELLED_PIXELS: labelled.size - int(np.count_nonzero(labelled)),
        "best_score": candidates[SCORE][0].as_py() if candidates.num_rows else None,
        "candidates": candidates.num_rows,
    }

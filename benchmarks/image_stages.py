"""The stages of one image after the network, on one core."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs import noise_softmax, smooth_softmax, target_of
from benchmarks.measurement import Bench, Measurement
from raymeta.acquisition.aggregated_maps import aggregate
from raymeta.acquisition.box_clicks import normalized_clicks
from raymeta.acquisition.candidate_boxes import greedy_boxes
from raymeta.acquisition.pool_scoring import score_image
from raymeta.acquisition.priority_maps import metaseg_priority
from raymeta.acquisition.superpixels import at_size, coarse_superpixels
from raymeta.annotation.click_estimation import estimate_clicks
from raymeta.config import SegmentsConfig
from raymeta.metaseg.adjusted_iou import adjusted_iou
from raymeta.metaseg.heatmaps import METASEG_LOG_OFFSET, scan_softmax
from raymeta.metaseg.meta_regression import MetaRegressor
from raymeta.metaseg.segment_metrics import predicted_iou_map, segment_metrics
from raymeta.metaseg.segment_sums import segment_sums
from raymeta.metaseg.segments import find_segments
from raymeta.schemas import SCORE

FULL_SIZE = (19, 1024, 2048)
QUICK_SIZE = (5, 128, 256)
STRATEGIES = ("metabox_plus", "metabox", "entropy_box_plus", "entropy_box", "random_box")
CLICKS_MAX = 100


def measure_image_stages(quick: bool) -> list[Measurement]:
    """Every stage on a smooth softmax, and the whole on noise, the worst case."""
    size = QUICK_SIZE if quick else FULL_SIZE
    softmax = smooth_softmax(*size)
    bench = Bench(lambda: np.log(softmax), repeats=2 if quick else 9)
    shape = "×".join(map(str, size))
    buffer = np.empty_like(softmax)
    bench.measure("numpy.log", shape, lambda: np.log(softmax), note="the reference operation")
    bench.measure("numpy.log(out=)", shape, lambda: np.log(softmax, out=buffer), note="into memory that is there")
    regressor = _measure_metrics(bench, shape, softmax)
    _measure_candidates(bench, shape, softmax, regressor, box_width=16 if quick else 128)
    _measure_worst_case(bench, size, regressor, box_width=16 if quick else 128)
    return bench.rows


def _measure_metrics(bench: Bench, shape: str, softmax: NDArray[np.float32]) -> MetaRegressor:
    target = target_of(softmax)
    heatmaps = bench.measure("dispersion + arg-max", shape, lambda: scan_softmax(softmax, METASEG_LOG_OFFSET))
    segments = bench.measure("segments + boundary", shape, lambda: find_segments(heatmaps.prediction))
    bench.measure("sums over segments", shape, lambda: segment_sums(softmax, heatmaps, segments))
    bench.measure("adjusted IoU", shape, lambda: adjusted_iou(segments, target))
    bench.measure("segment_metrics, pool", shape, lambda: segment_metrics(softmax), note=f"{segments.count} segments")
    _, labelled = bench.measure(
        "segment_metrics with IoU", shape, lambda: segment_metrics(softmax, target), target="≤ 0.16 s, ≤ 1.5 × log"
    )
    regressor = MetaRegressor().fit(labelled, [str(row % 4) for row in range(labelled.num_rows)])
    _, table = segment_metrics(softmax)
    bench.measure("CatBoost prediction", f"{table.num_rows} segments", lambda: regressor.predict(table), "≤ 5 ms")
    return regressor


def _measure_candidates(
    bench: Bench, shape: str, softmax: NDArray[np.float32], regressor: MetaRegressor, box_width: int
) -> None:
    segments, table = segment_metrics(softmax)
    predicted = predicted_iou_map(segments, regressor.predict(table))
    clicks = bench.measure("clicks", shape, lambda: estimate_clicks(segments.label_map, 2.5))
    priority = metaseg_priority(predicted)
    bench.measure("aggregation, one map", shape, lambda: aggregate(priority, box_width))

    def joint_scores() -> NDArray[np.float64]:
        return aggregate(priority, box_width) * normalized_clicks(clicks, box_width, CLICKS_MAX)

    joint = joint_scores()
    boxes = bench.measure("greedy boxes", shape, lambda: greedy_boxes(joint, box_width))
    cutoff = boxes[SCORE][min(5, boxes.num_rows - 1)].as_py()
    bench.measure("greedy boxes, cut-off known", shape, lambda: greedy_boxes(joint, box_width, None, cutoff))
    bench.measure("aggregation + greedy", shape, lambda: greedy_boxes(joint_scores(), box_width), "≤ 40 ms", "two maps")
    for strategy in STRATEGIES:
        target = "≤ 0.35 s" if strategy == "metabox_plus" else ""
        bench.measure(f"score_image {strategy}", shape, _scoring(softmax, strategy, regressor, box_width), target)
    segments_of = _scoring(softmax, "metabox", regressor, box_width, segments=SegmentsConfig())
    bench.measure("score_image metabox, one-click segments", shape, segments_of, "≤ 1.2 × metabox")
    _measure_superpixels(bench, shape, softmax, regressor, segments.label_map, box_width)


def _measure_superpixels(
    bench: Bench,
    shape: str,
    softmax: NDArray[np.float32],
    regressor: MetaRegressor,
    label_map: NDArray[np.uint8],
    box_width: int,
) -> None:
    """Of an image whose colours are those of the classes, with some noise."""
    noise = np.random.default_rng(0).integers(0, 24, (*label_map.shape, 3))
    image = (label_map[..., None] * np.array([37, 91, 151]) % 232 + noise).astype(np.uint8)
    width = box_width // 2
    found = bench.measure("superpixels, once an image", shape, lambda: coarse_superpixels(image, width, 10.0))
    full = bench.measure("superpixels at full size", shape, lambda: at_size(found, *label_map.shape))
    asked = _scoring(softmax, "metabox", regressor, box_width, segments=SegmentsConfig(), superpixels=full)
    bench.measure("score_image metabox, superpixels", shape, asked, "≤ 1.2 × metabox")


def _measure_worst_case(bench: Bench, size: tuple[int, int, int], regressor: MetaRegressor, box_width: int) -> None:
    noise = noise_softmax(*size)
    count = find_segments(scan_softmax(noise).prediction).count
    note = f"white noise: {count} segments"
    shape = "×".join(map(str, size))
    bench.measure("segment_metrics, noise", shape, lambda: segment_metrics(noise), note=note, repeats=1)
    whole = _scoring(noise, "metabox_plus", regressor, box_width)
    bench.measure("score_image, noise", shape, whole, note=note, repeats=1)


def _scoring(
    softmax: NDArray[np.float32],
    strategy: str,
    regressor: MetaRegressor,
    box_width: int,
    segments: SegmentsConfig | None = None,
    superpixels: NDArray[np.int32] | None = None,
) -> Callable[[], Any]:
    return lambda: score_image(
        softmax,
        strategy=strategy,
        box_width=box_width,
        seed=0,
        iteration=0,
        image_id="image",
        regressor=regressor,
        clicks_max=CLICKS_MAX,
        segments=segments,
        superpixels=superpixels,
    )

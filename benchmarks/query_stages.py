"""What gains, costs and policies add to the scoring of one image, on one core, each beside the query without it."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.image_stages import CLICKS_MAX, FULL_SIZE, QUICK_SIZE
from benchmarks.inputs import smooth_softmax, target_of
from benchmarks.measurement import Bench, Measurement
from raymeta.acquisition.box_features import tiling
from raymeta.acquisition.candidate_noise import with_noise
from raymeta.acquisition.image_prediction import predict_image
from raymeta.acquisition.learned_cost import BoostingOptions, CostRegressor, fit_cost
from raymeta.acquisition.policies.registry import needs_every_candidate, query_policy
from raymeta.acquisition.pool_scoring import score_image
from raymeta.acquisition.predicted_clicks import features_of
from raymeta.acquisition.strategies import strategy_of
from raymeta.annotation.click_estimation import estimate_clicks
from raymeta.config import AcquisitionConfig
from raymeta.metaseg.meta_regression import MetaRegressor
from raymeta.metaseg.segment_metrics import segment_metrics

Values = dict[str, Any]

WEIGHED: Final[Values] = {"class_weights": {"source": "labels"}}
RATIO: Final[Values] = {"cost": "estimated", "fusion": "ratio"}
LEARNED: Final[Values] = {"cost": "learned", "fusion": "ratio"}
MARGIN: Final[Values] = {"gain": "margin"}
ENTROPY: Final[Values] = {"gain": "entropy"}
METASEG: Final[Values] = {"gain": "metaseg"}

CASES: Final[dict[str, tuple[Values, Values]]] = {
    "entropy_box_plus": ({"strategy": "entropy_box_plus"}, {"strategy": "entropy_box"}),
    "metabox_plus": ({"strategy": "metabox_plus"}, {"strategy": "metabox"}),
    "margin": (MARGIN, ENTROPY),
    "margin, class weights": (MARGIN | WEIGHED, MARGIN),
    "margin / estimated clicks": (MARGIN | RATIO, MARGIN),
    "margin / learned clicks": (MARGIN | LEARNED, MARGIN),
    "margin, class weights / learned clicks": (MARGIN | WEIGHED | LEARNED, MARGIN | WEIGHED),
    "metaseg, class weights": (METASEG | WEIGHED, METASEG),
    "metaseg / learned clicks": (METASEG | LEARNED, METASEG),
    "entropy + estimated clicks, weighted sum": (
        ENTROPY | {"cost": "estimated", "fusion": "weighted_sum"},
        ENTROPY | {"cost": "estimated"},
    ),
    "entropy, noise": (ENTROPY | {"noise": {"beta_start": 1.0}}, ENTROPY),
    "entropy, strata": (ENTROPY | {"policy": {"name": "strata"}}, ENTROPY),
    "entropy, k_centre": (ENTROPY | {"policy": {"name": "k_centre"}}, ENTROPY),
    "points": ({"strategy": "points", "box_width": 8}, {"strategy": "random_points", "box_width": 8}),
    "segments": ({"strategy": "segments"}, MARGIN | WEIGHED),
}
"""Each query, and the one beside which it is measured: the same without what it adds."""
TARGET: Final = "≤ 1.2"


def measure_queries(quick: bool) -> list[Measurement]:
    """score_image of every case, in turn with that of the query without what it adds: the ratio is that of both."""
    size = QUICK_SIZE if quick else FULL_SIZE
    softmax, width = smooth_softmax(*size), 16 if quick else 128
    models = _regressor(softmax, width), _meta_regressor(softmax)
    rows: list[Measurement] = []
    for name, (values, without) in CASES.items():
        bench = Bench(_scoring(softmax, without, width, *models), repeats=2 if quick else 7)
        bench.measure(f"query: {name}", "×".join(map(str, size)), _scoring(softmax, values, width, *models), TARGET)
        rows += bench.rows
    return rows


def _scoring(
    softmax: NDArray[np.float32], values: Values, width: int, costs: CostRegressor, meta: MetaRegressor
) -> Callable[[], Any]:
    acquisition = AcquisitionConfig.model_validate({"box_width": width} | values)
    everything = needs_every_candidate(acquisition) or acquisition.unit == "point"
    weights = np.linspace(0.1, 1, len(softmax))

    def score() -> Any:
        found = score_image(
            softmax,
            strategy=strategy_of(acquisition),
            box_width=acquisition.box_width,
            seed=0,
            iteration=0,
            image_id="image",
            regressor=meta,
            clicks_max=CLICKS_MAX,
            query_size=None if everything else 100,
            class_weights=weights,
            cost_regressor=costs,
            needs=query_policy(acquisition).needs,
            segments=acquisition.segments if acquisition.unit == "segment" else None,
        )
        beta = acquisition.noise.beta_start
        return found.candidates if beta is None else with_noise(found.candidates, beta, 0, 0)

    return score


def _regressor(softmax: NDArray[np.float32], width: int) -> CostRegressor:
    """Fitted on the tiles of the image, in four places each, so that boxes take different ways down the trees."""
    prediction = predict_image(softmax)
    clicks = estimate_clicks(prediction.segmentation, 2.5)
    tops, lefts = (tiling(length - width // 2, width) for length in clicks.shape)
    features = np.concatenate(
        [
            features_of(prediction, clicks, tops + down, lefts + right, width, len(softmax))
            for down in (0, width // 2)
            for right in (0, width // 2)
        ]
    )
    paid = np.random.default_rng(0).poisson(0.5 * features[:, 0] + features[:, 1] + features[:, 3])
    return fit_cost(features, paid.astype(np.float64), BoostingOptions())


def _meta_regressor(softmax: NDArray[np.float32]) -> MetaRegressor:
    _, table = segment_metrics(softmax, target_of(softmax))
    return MetaRegressor().fit(table, [str(row % 4) for row in range(table.num_rows)])

"""What gains, costs and policies add to the scoring of one image, on one core, beside entropy_box_plus."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.image_stages import CLICKS_MAX, FULL_SIZE, QUICK_SIZE
from benchmarks.inputs import smooth_softmax
from benchmarks.measurement import Bench, Measurement
from raymeta.acquisition.box_features import feature_names
from raymeta.acquisition.candidate_noise import with_noise
from raymeta.acquisition.learned_cost import BoostingOptions, CostRegressor, fit_cost
from raymeta.acquisition.policies.registry import needs_every_candidate, query_policy
from raymeta.acquisition.pool_scoring import score_image
from raymeta.acquisition.strategies import strategy_of
from raymeta.config import AcquisitionConfig

CASES: Final[dict[str, dict[str, Any]]] = {
    "entropy_box_plus": {"strategy": "entropy_box_plus"},
    "margin": {"gain": "margin"},
    "margin, class weights / estimated clicks": {
        "gain": "margin", "cost": "estimated", "fusion": "ratio", "class_weights": {"source": "labels"},
    },
    "margin, class weights / learned clicks": {
        "gain": "margin", "cost": "learned", "fusion": "ratio", "class_weights": {"source": "labels"},
    },
    "entropy, strata, noise": {"gain": "entropy", "policy": {"name": "strata"}, "noise": {"beta_start": 1.0}},
    "entropy, k_centre": {"gain": "entropy", "policy": {"name": "k_centre"}},
}  # fmt: skip
TARGET: Final = "≤ 1.2 × network + entropy_box_plus"


def measure_queries(quick: bool) -> list[Measurement]:
    """score_image of every case, in turn with that of entropy_box_plus: the ratio says what the case adds."""
    size = QUICK_SIZE if quick else FULL_SIZE
    softmax, width = smooth_softmax(*size), 16 if quick else 128
    bench = Bench(_scoring(softmax, CASES["entropy_box_plus"], width), repeats=2 if quick else 5)
    for name, values in CASES.items():
        bench.measure(f"query: {name}", "×".join(map(str, size)), _scoring(softmax, values, width), TARGET)
    return bench.rows


def _scoring(softmax: NDArray[np.float32], values: dict[str, Any], box_width: int) -> Callable[[], Any]:
    acquisition = AcquisitionConfig.model_validate(values)
    classes, everything = len(softmax), needs_every_candidate(acquisition)
    regressor, weights = _regressor(classes), np.linspace(0.1, 1, classes)

    def score() -> Any:
        found = score_image(
            softmax,
            strategy=strategy_of(acquisition),
            box_width=box_width,
            seed=0,
            iteration=0,
            image_id="image",
            clicks_max=CLICKS_MAX,
            query_size=None if everything else 100,
            class_weights=weights,
            cost_regressor=regressor,
            needs=query_policy(acquisition).needs,
        )
        beta = acquisition.noise.beta_start
        return found.candidates if beta is None else with_noise(found.candidates, beta, 0, 0)

    return score


def _regressor(classes: int) -> CostRegressor:
    rng = np.random.default_rng(0)
    features = rng.uniform(0, 20, (2000, len(feature_names(classes))))
    return fit_cost(features, features[:, 1] + rng.poisson(features[:, 2]), BoostingOptions())

"""The strategies: which priorities each joins, and how (docs/method.md#strategy). A new one is a line of PRESETS."""

from dataclasses import dataclass
from typing import Final, Literal

from raymeta.config import PRESETS, STRATEGY_NAMES, AcquisitionConfig, CostName, FusionName, GainName
from raymeta.errors import InputError

Priority = Literal["random", "entropy", "margin", "metaseg", "clicks"]


@dataclass(frozen=True)
class Strategy:
    """Names the priorities whose box scores are joined; without any (docs/method.md#full-set) no box is asked for.

    true_clicks: takes the visible polygon vertices of the ground truth in place of estimated clicks (`_star`).
    learned_clicks: takes the clicks that a cost model predicts. fusion, gain_weight, open_cost: how gain and clicks are
    joined. weighs_classes: a pixel's gain counts by the classes that it may have.
    """

    name: str
    priorities: tuple[Priority, ...]
    true_clicks: bool = False
    learned_clicks: bool = False
    fusion: FusionName = "product"
    gain_weight: float = 0.5
    open_cost: float = 4.0
    weighs_classes: bool = False

    @property
    def gains(self) -> tuple[Priority, ...]:
        """The priorities that say what a box is worth."""
        return tuple(name for name in self.priorities if name != "clicks")

    @property
    def needs_meta_regressor(self) -> bool:
        """Whether it needs a meta set M and a meta regressor."""
        return "metaseg" in self.priorities

    @property
    def uses_clicks(self) -> bool:
        """Whether clicks enter the joint score."""
        return "clicks" in self.priorities

    @property
    def uses_clicks_max(self) -> bool:
        """Whether the normalised click priority would enter the joint score."""
        return self.uses_clicks and self.fusion != "ratio"


def _priorities(gain: GainName | None, cost: CostName) -> tuple[Priority, ...]:
    if gain is None:
        return ()
    return (gain,) if cost == "none" else (gain, "clicks")


STRATEGIES: Final[dict[str, Strategy]] = {
    name: Strategy(name, _priorities(preset.gain, preset.cost), preset.cost == "true")
    for name, preset in PRESETS.items()
    if name in STRATEGY_NAMES
}


def find_strategy(name: str) -> Strategy:
    """The strategy of that name; raises ValueError, with all names, when there is none."""
    if name not in STRATEGIES:
        raise InputError(f"strategy {name!r} is unknown: choose one of {', '.join(STRATEGIES)}")
    return STRATEGIES[name]


def strategy_of(acquisition: AcquisitionConfig) -> Strategy:
    """The strategy of a config: its preset, or what the config says instead."""
    cost = acquisition.cost_name
    return Strategy(
        name=acquisition.strategy,
        priorities=_priorities(acquisition.gain_name, cost),
        true_clicks=cost == "true",
        learned_clicks=cost == "learned",
        fusion=acquisition.fusion,
        gain_weight=acquisition.gain_weight,
        open_cost=acquisition.open_cost,
        weighs_classes=acquisition.class_weights.source != "none",
    )


def at_iteration(acquisition: AcquisitionConfig, iteration: int) -> AcquisitionConfig:
    """What counts in one iteration: the first `random_iterations` ask for random boxes, whatever they cost."""
    if iteration >= acquisition.random_iterations or acquisition.gain_name is None:
        return acquisition
    plain = AcquisitionConfig(strategy="random_box")
    kept = ("class_weights", "policy", "noise")
    changes = {"strategy": acquisition.strategy, "gain": "random", "cost": "none", "fusion": "product"}
    return acquisition.model_copy(update={**changes, **{name: getattr(plain, name) for name in kept}})


def expansion(acquisition: AcquisitionConfig) -> str:
    """What a config asks for, in one line: gain, cost, fusion, class weights, policy and noise."""
    parts = [f"gain {acquisition.gain_name}"]
    if acquisition.class_weights.source != "none":
        parts.append(f"class weights from {acquisition.class_weights.source}")
    parts.append(f"cost {acquisition.cost_name}")
    if acquisition.cost_name != "none":
        parts.append(f"fusion {acquisition.fusion}")
        if acquisition.fusion != "ratio":
            parts.append(f"clicks_priority {acquisition.clicks_priority}")
    if acquisition.unit == "point":
        parts.append(f"answered by the class at points, {acquisition.point_width} pixels wide")
    if acquisition.asks_parts:
        then = {
            "skip": "",
            "point": ", or of a pixel where they are mixed",
            "box": ", or outlines where they are mixed",
        }
        what = "predicted segments"
        if acquisition.superpixel_width is not None:
            what = f"superpixels, about {acquisition.superpixel_width} pixels wide,"
        asked = f"answered by the class of {what} in tiles of {acquisition.box_width} pixels"
        parts.append(asked + then[acquisition.segments.mixed])
    name = acquisition.policy.name if acquisition.match_cost_of is None else "matched_cost"
    parts.append(f"policy {name}")
    if acquisition.noise.beta_start is not None:
        end = acquisition.noise.beta_end or acquisition.noise.beta_start
        parts.append(f"noise with β from {acquisition.noise.beta_start:g} to {end:g}")
    if acquisition.random_iterations:
        parts.append(f"the first {acquisition.random_iterations} iterations random")
    return f"{acquisition.strategy}: {', '.join(parts)}"

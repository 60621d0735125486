"""With which strategy, box width and click priority a request is scored, and whether this iteration can do that."""

from dataclasses import dataclass

from raymeta.acquisition.strategies import STRATEGIES, Strategy, strategy_of
from raymeta.config import AcquisitionConfig, ClicksPriority, UnitName
from raymeta.service.http.refusals import unprocessable
from raymeta.service.scoring.scoring_request import MAP_NAMES, MapName, ScoringRequest


@dataclass(frozen=True)
class ScoreChoice:
    """What `score_image` is called with.

    clicks_max: None where it isn't needed. unit: what is proposed: the run's, or boxes for maps and other strategies.
    """

    strategy: Strategy
    box_width: int
    clicks_priority: ClicksPriority
    clicks_max: int | None
    unit: UnitName = "box"


@dataclass(frozen=True)
class Abilities:
    """What an iteration has: `acquisition` of its run, a meta regressor or none, clicks_max or None."""

    acquisition: AcquisitionConfig
    has_regressor: bool
    clicks_max: int | None

    def strategies(self, box_width: int | None = None) -> list[str]:
        """Strategies that need nothing beside an image: no ground truth, no missing part; registry order.

        box_width: with that one, and the run's click priority; None is the run's.
        """
        width = box_width or self.acquisition.box_width
        return [
            strategy.name
            for strategy in STRATEGIES.values()
            if strategy.priorities
            and not strategy.true_clicks
            and (self.has_regressor or not strategy.needs_meta_regressor)
            and (
                not strategy.uses_clicks_max
                or self.acquisition.clicks_priority == "paper"
                or self.clicks_max_for(strategy, width) is not None
            )
        ]

    def maps(self) -> list[MapName]:
        """Maps that can be made."""
        return [name for name in MAP_NAMES if self.has_regressor or name not in ("metaseg", "predicted_iou")]

    def clicks_max_for(self, strategy: Strategy, box_width: int) -> int | None:
        """`clicks_max` was counted for the run's box width, of estimated or of true clicks: None for anything else."""
        own = strategy_of(self.acquisition)
        fits = box_width == self.acquisition.box_width and strategy.true_clicks == own.true_clicks
        return self.clicks_max if fits else None

    def choose(self, request: ScoringRequest) -> ScoreChoice:
        """The run's values where the request names none.

        Raises:
            RequestRefusedError: 422, a strategy or map that can't be made for this image with this iteration.
        """
        strategy = STRATEGIES[request.strategy] if request.strategy else strategy_of(self.acquisition)
        box_width = request.box_width or self.acquisition.box_width
        priority = request.clicks_priority or self.acquisition.clicks_priority
        usable = ", ".join(self.strategies(box_width))
        if request.strategy and not strategy.priorities:
            raise unprocessable(f"strategy {strategy.name} scores no boxes: choose one of {usable}")
        if strategy.needs_meta_regressor and not self.has_regressor:
            raise unprocessable(
                f"strategy {strategy.name} predicts IoU, this run has no meta regressor: choose one of {usable}"
            )
        if request.work == "map" and request.map_name not in self.maps():
            raise unprocessable(
                f"map {request.map_name} needs a meta regressor, this run has none: "
                f"choose one of {', '.join(self.maps())}"
            )
        if strategy.true_clicks and request.image_id is None:
            raise unprocessable(
                f"strategy {strategy.name} counts the clicks of the ground truth, an uploaded image has none: "
                f"choose one of {usable}"
            )
        clicks_max = self.clicks_max_for(strategy, box_width)
        if strategy.uses_clicks_max and priority == "normalized" and clicks_max is None:
            raise unprocessable(
                f"clicks_priority normalized needs clicks_max, which this run has not counted for strategy "
                f"{strategy.name} with box_width {box_width}: choose clicks_priority=paper, the run's box_width "
                f"{self.acquisition.box_width}, or one of {usable}"
            )
        own_unit = request.work == "boxes" and request.strategy is None
        unit = self.acquisition.unit if own_unit else "box"
        return ScoreChoice(strategy, box_width, priority, clicks_max, unit)

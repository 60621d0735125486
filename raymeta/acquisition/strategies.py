"""The strategies: which priorities each multiplies (docs/method.md#strategy). A new one is one line."""

from dataclasses import dataclass
from typing import Final, Literal

from raymeta.errors import InputError

Priority = Literal["random", "entropy", "metaseg", "clicks"]


@dataclass(frozen=True)
class Strategy:
    """Names the priorities whose box scores are multiplied; without any, no box is ever asked for
    (docs/method.md#full-set).

    true_clicks: takes the visible polygon vertices of the ground truth in place of estimated clicks
    (docs/method.md#starred-strategies).
    """

    name: str
    priorities: tuple[Priority, ...]
    true_clicks: bool = False

    @property
    def needs_meta_regressor(self) -> bool:
        """Whether it needs a meta set M and a meta regressor."""
        return "metaseg" in self.priorities

    @property
    def uses_clicks(self) -> bool:
        """Whether clicks enter the joint score."""
        return "clicks" in self.priorities


STRATEGIES: Final[dict[str, Strategy]] = {
    strategy.name: strategy
    for strategy in (
        Strategy("random_box", ("random",)),
        Strategy("entropy_box", ("entropy",)),
        Strategy("entropy_box_plus", ("entropy", "clicks")),
        Strategy("metabox", ("metaseg",)),
        Strategy("metabox_plus", ("metaseg", "clicks")),
        Strategy("entropy_box_plus_star", ("entropy", "clicks"), true_clicks=True),
        Strategy("metabox_plus_star", ("metaseg", "clicks"), true_clicks=True),
        Strategy("full_set", ()),
    )
}


def find_strategy(name: str) -> Strategy:
    """The strategy of that name; raises ValueError, with all names, when there is none."""
    if name not in STRATEGIES:
        raise InputError(f"strategy {name!r} is unknown: choose one of {', '.join(STRATEGIES)}")
    return STRATEGIES[name]

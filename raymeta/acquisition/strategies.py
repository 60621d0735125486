"""The strategies: which priority maps each multiplies (DESIGN 2.3). A new one is one line here."""

from dataclasses import dataclass
from typing import Final, Literal

Priority = Literal["random", "entropy", "metaseg", "clicks"]


@dataclass(frozen=True)
class Strategy:
    """Names the priorities whose box scores are multiplied; none means that nothing is queried.

    true_clicks: take the visible polygon vertices of the ground truth instead of estimated ones (the `_star` bound).
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

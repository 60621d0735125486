"""The query policies by name; a new one is one line here and its name in `PolicyName` (docs/method.md#query-policy)."""

from collections.abc import Callable
from typing import Final

from raymeta.acquisition.box_selection import BoxMerge
from raymeta.acquisition.policies.k_centre import KCentre
from raymeta.acquisition.policies.query_policy import QueryBudget, QueryPolicy
from raymeta.acquisition.policies.score_policies import MatchedCost, TopScores
from raymeta.acquisition.policies.strata import Strata
from raymeta.acquisition.stratified_merge import StratifiedMerge
from raymeta.config import AcquisitionConfig, PolicyConfig, PolicyName

CandidateMerge = BoxMerge | StratifiedMerge

POLICIES: Final[dict[PolicyName, Callable[[PolicyConfig], QueryPolicy]]] = {
    "top_scores": TopScores,
    "matched_cost": lambda _: MatchedCost(),
    "strata": Strata,
    "k_centre": KCentre,
}


def query_policy(acquisition: AcquisitionConfig) -> QueryPolicy:
    """The policy of a config; one that names a run to match cuts its queries at that run's clicks."""
    name = acquisition.policy.name if acquisition.match_cost_of is None else "matched_cost"
    return POLICIES[name](acquisition.policy)


def query_budget(acquisition: AcquisitionConfig) -> QueryBudget:
    """What a query of this config may take."""
    return QueryBudget(acquisition.query_size)


def wanted_candidates(acquisition: AcquisitionConfig) -> int:
    """How many candidates the scorers over-ask, over the whole pool."""
    return query_policy(acquisition).wanted(query_budget(acquisition))


def candidate_merge(acquisition: AcquisitionConfig) -> CandidateMerge:
    """An empty merge that keeps the candidates among which the policy of this config chooses."""
    wanted = wanted_candidates(acquisition)
    return StratifiedMerge(wanted) if needs_every_candidate(acquisition) else BoxMerge(wanted)


def needs_every_candidate(acquisition: AcquisitionConfig) -> bool:
    """Whether a candidate of a low score may still be chosen, so that an image's sequence must not be cut short."""
    return "class_shares" in query_policy(acquisition).needs

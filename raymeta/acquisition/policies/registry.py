"""The query policies by name; a new one is one line here and its name in `PolicyName`."""

from collections.abc import Callable
from typing import Final

from raymeta.acquisition.box_selection import BoxMerge
from raymeta.acquisition.policies.query_policy import QueryBudget, QueryPolicy
from raymeta.acquisition.policies.score_policies import MatchedCost, TopScores
from raymeta.config import AcquisitionConfig, PolicyName

POLICIES: Final[dict[PolicyName, Callable[[AcquisitionConfig], QueryPolicy]]] = {
    "top_scores": lambda acquisition: TopScores(),
    "matched_cost": lambda acquisition: MatchedCost(),
}


def query_policy(acquisition: AcquisitionConfig) -> QueryPolicy:
    """The policy of a config; one that names a run to match cuts its queries at that run's clicks."""
    name = acquisition.policy.name if acquisition.match_cost_of is None else "matched_cost"
    return POLICIES[name](acquisition)


def query_budget(acquisition: AcquisitionConfig) -> QueryBudget:
    """What a query of this config may take."""
    return QueryBudget(acquisition.query_size)


def wanted_candidates(acquisition: AcquisitionConfig) -> int:
    """How many candidates the scorers over-ask, over the whole pool."""
    return query_policy(acquisition).wanted(query_budget(acquisition))


def candidate_merge(acquisition: AcquisitionConfig) -> BoxMerge:
    """An empty merge that keeps the candidates among which the policy of this config chooses."""
    return BoxMerge(wanted_candidates(acquisition))

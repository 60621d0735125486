"""The scoring replicas as an ingress reaches them: retries where a replica dies, 503 where the queue is full."""

import asyncio
import logging
from typing import Any, Final

from ray import serve
from ray.exceptions import ObjectLostError, RayActorError, RayError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, ReplicaUnavailableError

from raymeta.cluster.serve.scoring_replica import SCORING
from raymeta.cluster.serve.task_replica import TASKS
from raymeta.service.http.refusals import BackendBusyError
from raymeta.service.scoring.scoring_request import ReplicaStatus, ScoringAnswer, ScoringRequest
from raymeta.service.tasks.task_calls import TaskCall, TaskReply

INGRESS: Final = "PriorityMapIngress"
ATTEMPTS: Final = 4
ANSWER_S: Final = 120.0
"""A request that waits longer, for a replica or in one, is answered 503."""
STATUS_S: Final = 5.0
LOST: Final = (RayActorError, ObjectLostError, ReplicaUnavailableError, DeploymentUnavailableError)
"""What a call ends with when its replica, or the process that held its bytes, is gone."""

logger = logging.getLogger("raymeta.service")


class ServeBackend:
    """Calls the deployments of the application that this process belongs to."""

    def __init__(self, app_name: str) -> None:
        self._scoring = serve.get_deployment_handle(SCORING, app_name)
        self._tasks = serve.get_deployment_handle(TASKS, app_name)
        self._ingress = serve.get_deployment_handle(INGRESS, app_name)

    async def score(self, request: ScoringRequest) -> ScoringAnswer:
        """Answer one request; scoring changes nothing, so one that was lost with its replica is asked again.

        Raises:
            BackendBusyError: the queue is full, or no replica answered in time.
        """
        answer: ScoringAnswer = await self._ask("scoring", self._scoring.score, request)
        return answer

    async def _ask(self, what: str, method: Any, argument: Any) -> Any:
        """Call a replica, and another one, or its successor, where it is lost."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await asyncio.wait_for(_result(method.remote(argument)), ANSWER_S)
            except BackPressureError as error:
                raise BackendBusyError("too many requests wait already: ask again after Retry-After") from error
            except TimeoutError as error:
                raise BackendBusyError(f"no replica answered within {ANSWER_S:.0f} s", retry_after_s=5) from error
            except LOST as error:
                logger.warning("attempt %d: a %s replica was lost: %s", attempt, what, type(error).__name__)
                await asyncio.sleep(0.1 * 2**attempt)
        raise BackendBusyError(f"the {what} replicas were lost again and again", retry_after_s=5)

    async def call(self, call: TaskCall) -> TaskReply:
        """Let the task process do it: all calls may be repeated, so one that was lost with it is sent again.

        Raises:
            BackendBusyError: it isn't up, or too many calls wait.
        """
        reply: TaskReply = await self._ask("tasks", self._tasks.call, call)
        return reply

    async def status(self) -> list[ReplicaStatus]:
        """One entry a replica that answers within STATUS_S."""
        return [found for found in await _ask_all(self._scoring, "status") if isinstance(found, ReplicaStatus)]

    async def metrics(self) -> list[str] | None:
        """Prometheus text of every ingress that answers."""
        return [found for found in await _ask_all(self._ingress, "metrics_text") if isinstance(found, str)] or None


async def _result(response: Any) -> Any:
    return await response


async def _ask_all(handle: Any, method: str) -> list[Any]:
    """What every replica answers; exceptions of those that don't are left in the list."""
    try:
        asked = handle.broadcast(method)
        return list(await asked.results_async(timeout_s=STATUS_S, return_exceptions=True))
    except (TimeoutError, RayError, DeploymentUnavailableError) as error:
        logger.warning("%s: no answer of all replicas: %s", method, error)
        return []

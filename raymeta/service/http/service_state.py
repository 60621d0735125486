"""What the routes work with: the run's tables, the scoring backend, and which iteration is live."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from raymeta.runs.run_store import RunError
from raymeta.service.http.live_iteration import LiveIteration
from raymeta.service.http.refusals import not_found
from raymeta.service.http.run_reader import IterationTables, RunReader
from raymeta.service.http.service_metrics import ServiceMetrics
from raymeta.service.http.uploads import UploadLimits
from raymeta.service.scoring.scoring_request import ScoringAnswer, ScoringBackend, ScoringRequest
from raymeta.service.settings import ServiceSettings
from raymeta.service.tasks.task_calls import TaskBackend
from raymeta.service.tasks.task_reader import TaskReader


@dataclass(frozen=True)
class ServiceState:
    """One HTTP process of a service."""

    settings: ServiceSettings
    backend: ScoringBackend
    reader: RunReader
    live: LiveIteration
    metrics: ServiceMetrics
    tasks: TaskBackend
    task_reader: TaskReader

    @property
    def limits(self) -> UploadLimits:
        """Of uploads."""
        return UploadLimits(self.settings.max_body_bytes, self.settings.max_pixels)

    async def score(self, request: ScoringRequest) -> ScoringAnswer:
        """Let a replica answer, and note how long its stages took."""
        answer = await self.backend.score(request)
        self.metrics.observe_stages(answer.seconds, answer.cached)
        return answer

    async def tables(self, iteration: int | None) -> IterationTables:
        """Tables of an iteration; None is the live one.

        Raises:
            RequestRefusedError: 404 no such iteration, 503 none is live yet.
        """
        number = await self.live.iteration() if iteration is None else iteration
        try:
            found = await run_in_threadpool(self.reader.tables, number)
        except RunError as error:
            raise not_found(f"iteration {number} can't be read: {error}") from error
        if found is None:
            known = ", ".join(map(str, self.reader.servable())) or "none yet"
            raise not_found(f"iteration {number} isn't finished: choose one of {known}")
        return found

    def check_image(self, image_id: str) -> str:
        """The id, if it is one of the pool's: ids are looked up in the split, never taken for paths.

        Raises:
            RequestRefusedError: 404.
        """
        if image_id not in self.reader.split_names:
            raise not_found(f"image {image_id[:200]!r} isn't in the pool: GET /v1/pool lists the images")
        return image_id


def service_state(request: Request) -> ServiceState:
    """The state of the app that answers."""
    state: ServiceState = request.app.state.service
    return state


State = Annotated[ServiceState, Depends(service_state)]

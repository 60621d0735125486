"""Which iteration the scoring replicas serve, as the HTTP side knows it: asked for at most once in a while."""

import asyncio
import time

from raymeta.service.http.refusals import BackendBusyError
from raymeta.service.scoring.scoring_request import ReplicaStatus, ScoringBackend


class LiveIteration:
    """Remembers what the replicas said last; an old memory is renewed behind the requests, not in their way."""

    def __init__(self, backend: ScoringBackend, max_age_s: float) -> None:
        self._backend = backend
        self._max_age_s = max_age_s
        self._statuses: list[ReplicaStatus] = []
        self._iteration: int | None = None
        self._asked_at = float("-inf")
        self._refreshing: asyncio.Task[None] | None = None

    async def iteration(self) -> int:
        """As `newest`.

        Raises:
            BackendBusyError: no replica has served any yet.
        """
        found = await self.newest()
        if found is None:
            raise BackendBusyError("no iteration can be served yet: ask again later", retry_after_s=5)
        return found

    async def newest(self) -> int | None:
        """The newest iteration that every replica serves; the last known one while no replica answers.

        None before the first.
        """
        await self._keep_fresh()
        return self._iteration

    async def statuses(self) -> list[ReplicaStatus]:
        """One entry a replica, asked for now."""
        await self._refresh()
        return self._statuses

    async def _keep_fresh(self) -> None:
        if self._iteration is None:
            await self._refresh()
        elif time.monotonic() - self._asked_at > self._max_age_s and (
            self._refreshing is None or self._refreshing.done()
        ):
            self._refreshing = asyncio.create_task(self._refresh())

    async def _refresh(self) -> None:
        self._asked_at = time.monotonic()
        self._statuses = await self._backend.status()
        serving = [status.iteration for status in self._statuses if status.iteration is not None]
        if serving:
            self._iteration = min(serving)

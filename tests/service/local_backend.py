"""The scoring side in this process: what Ray Serve's replicas do, without Ray."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import torch

from raymeta.service.scoring_desk import ScoringDesk
from raymeta.service.scoring_request import ReplicaStatus, ScoringAnswer, ScoringRequest
from raymeta.service.settings import ServiceSettings


class LocalBackend:
    """One scoring desk behind one thread."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.desk = ScoringDesk(settings, torch.device("cpu"), replica="local")
        self._thread = ThreadPoolExecutor(1)

    async def score(self, request: ScoringRequest) -> ScoringAnswer:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.desk.answer, request)

    async def status(self) -> list[ReplicaStatus]:
        return [self.desk.status()]

    async def metrics(self) -> list[str] | None:
        return None

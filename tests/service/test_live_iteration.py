import asyncio

import pytest

from raymeta.service.http.live_iteration import LiveIteration
from raymeta.service.http.refusals import BackendBusyError
from raymeta.service.scoring.scoring_request import ReplicaStatus


class Replicas:
    """Answers with whatever `iterations` holds; counts how often it is asked."""

    def __init__(self, *iterations: int | None) -> None:
        self.iterations = list(iterations)
        self.asked = 0

    async def status(self) -> list[ReplicaStatus]:
        self.asked += 1
        return [ReplicaStatus(str(number), iteration) for number, iteration in enumerate(self.iterations)]


def test_the_newest_that_all_replicas_serve():
    async def scenario() -> None:
        replicas = Replicas(4, 3, None)
        assert await LiveIteration(replicas, 60).iteration() == 3

    asyncio.run(scenario())


def test_it_is_asked_for_once_in_a_while_and_renewed_behind_requests():
    async def scenario() -> None:
        replicas = Replicas(1)
        live = LiveIteration(replicas, max_age_s=0.05)
        for _ in range(10):
            assert await live.iteration() == 1
        assert replicas.asked == 1
        replicas.iterations = [2]
        await asyncio.sleep(0.06)
        assert await live.iteration() == 1  # old news, at once
        await asyncio.sleep(0.01)
        assert await live.iteration() == 2
        assert replicas.asked == 2

    asyncio.run(scenario())


def test_the_last_known_one_stays_while_no_replica_answers():
    async def scenario() -> None:
        replicas = Replicas(1)
        live = LiveIteration(replicas, max_age_s=0)
        assert await live.iteration() == 1
        replicas.iterations = []
        await asyncio.sleep(0.01)
        assert await live.iteration() == 1
        assert await live.statuses() == []

    asyncio.run(scenario())


def test_before_the_first_there_is_nothing_to_serve():
    with pytest.raises(BackendBusyError) as caught:
        asyncio.run(LiveIteration(Replicas(None), 60).iteration())
    assert caught.value.status == 503

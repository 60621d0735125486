"""New iterations go live by themselves; broken ones don't."""

import asyncio
import threading
import time
from pathlib import Path

import httpx
import pytest
from tiny_runs import TinyRun, serving

from raymeta.runs.run_store import RunStore
from raymeta.service.http.app import create_app
from raymeta.service.scoring.bundle_cache import BundleCache, BundleRefusedError
from raymeta.service.scoring.local_backend import LocalBackend
from raymeta.service.scoring.scoring_request import ScoringRequest
from raymeta.service.settings import ServiceSettings


class Loads:
    """Counts what a cache loads; a `load` gives the iteration's bytes, checked by their checksum."""

    def __init__(self, store: RunStore) -> None:
        self.store = store
        self.calls: list[int] = []

    def __call__(self, iteration: int) -> bytes:
        self.calls.append(iteration)
        return self.store.iteration(iteration).read_bytes("network.pt")


def commit(store: RunStore, index: int, content: bytes, stages: int = 3) -> None:
    folder = store.iteration(index)
    folder.write_bytes("network.pt", content)
    for stage in ("train", "fit", "score")[:stages]:
        folder.commit(stage, ["network.pt"])


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(str(tmp_path))


@pytest.fixture
def cache(store: RunStore) -> BundleCache[bytes]:
    return BundleCache(store, Loads(store), kept=2)


def test_nothing_is_live_before_the_first_score_stage(store, cache):
    assert cache.refresh() is False
    commit(store, 0, b"zero", stages=2)
    assert cache.refresh() is False
    assert cache.live is None
    assert cache.find(0) is None
    commit(store, 0, b"zero")
    assert cache.refresh() is True
    assert (cache.live.iteration, cache.live.scorer) == (0, b"zero")


def test_the_newest_goes_live_and_is_loaded_once(store, cache):
    for index in range(3):
        commit(store, index, b"%d" % index)
    assert cache.refresh() is True
    assert cache.refresh() is False
    assert cache.live.iteration == 2
    assert cache._load.calls == [2]


def test_a_damaged_bundle_is_refused_and_the_old_one_stays(store, cache, tmp_path):
    commit(store, 0, b"zero")
    cache.refresh()
    commit(store, 1, b"one")
    (tmp_path / "iterations/001/network.pt").write_bytes(b"0ne")
    assert cache.refresh() is False
    assert cache.refresh() is False
    assert (cache.live.iteration, cache._load.calls) == (0, [0, 1])  # not read again at every look
    assert "checksum differs" in cache.refused[1]
    with pytest.raises(BundleRefusedError, match="checksum differs"):
        cache.find(1)
    commit(store, 2, b"two")
    assert cache.refresh() is True
    assert cache.live.iteration == 2


def test_a_refused_bundle_that_was_made_anew_goes_live(store, cache, tmp_path):
    commit(store, 0, b"zero")
    (tmp_path / "iterations/000/network.pt").write_bytes(b"zer0")
    assert cache.refresh() is False
    commit(store, 0, b"zero again")
    assert cache.refresh() is True
    assert cache.refused == {}


def test_a_live_iteration_that_was_made_anew_is_loaded_again(store, cache):
    commit(store, 0, b"zero")
    cache.refresh()
    commit(store, 0, b"other")
    assert cache.refresh() is True
    assert cache.live.scorer == b"other"
    commit(store, 0, b"third", stages=1)  # under way: the old one stays
    assert cache.refresh() is False
    assert cache.live.scorer == b"other"


def test_older_iterations_are_loaded_when_asked_for_and_the_least_used_goes(store, cache):
    for index in range(5):
        commit(store, index, b"%d" % index)
    cache.refresh()
    for index in (0, 1, 0, 2, 0, 1):
        assert cache.find(index).scorer == b"%d" % index
    assert cache._load.calls == [4, 0, 1, 2, 1]
    assert cache.find(9) is None


def test_a_switch_under_load_fails_no_request_and_every_answer_is_of_one_iteration(tmp_path, png):
    run = TinyRun(tmp_path, "entropy_box")
    run.commit(0)
    settings = ServiceSettings(run.location, threads=1, access_log=str(tmp_path / "log"), cache_bytes=0)
    backend = LocalBackend(settings)
    answers: list[tuple[int, str, bytes]] = []
    stop = threading.Event()

    def ask(url: str) -> None:
        with httpx.Client(base_url=url, timeout=60) as client:
            while not stop.is_set():
                parameters = {"map": "entropy", "format": "npz"}
                headers = {"Content-Type": "image/png"}
                answer = client.post("/v1/priority-map", params=parameters, content=png, headers=headers)
                answers.append((answer.status_code, answer.headers["X-Raymeta-Iteration"], answer.content))

    with serving(create_app(settings, backend)) as url:
        threads = [threading.Thread(target=ask, args=(url,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        run.commit(1)
        assert backend.scorer.cache.refresh() is True
        time.sleep(0.3)
        stop.set()
        for thread in threads:
            thread.join()
    assert {status for status, _, _ in answers} == {200}
    assert {iteration for _, iteration, _ in answers} == {"0", "1"}
    for iteration in ("0", "1"):
        assert len({content for _, named, content in answers if named == iteration}) == 1


def test_weights_of_another_network_are_refused_with_sound_checksums(tmp_path):
    run = TinyRun(tmp_path, "entropy_box")
    run.commit(0)
    settings = ServiceSettings(run.location, threads=1)
    backend = LocalBackend(settings)
    folder = run.store.iteration(1)
    folder.write_bytes("network.pt", b"no weights")
    folder.write_json("score.json", {"clicks_max": None})
    for stage in ("train", "fit", "score"):
        folder.commit(stage, ["network.pt", "score.json"])
    assert backend.scorer.cache.refresh() is False
    assert 1 in backend.scorer.status().refused
    answer = asyncio.run(backend.score(ScoringRequest("boxes", image_id=run.split.unlabelled[0])))
    assert (answer.status, answer.iteration) == (200, 0)
    refused = asyncio.run(backend.score(ScoringRequest("boxes", image_id=run.split.unlabelled[0], iteration=1)))
    assert refused.status == 404


def test_a_run_without_a_finished_iteration_says_when_to_come_back(tmp_path, png):
    run = TinyRun(tmp_path, "entropy_box")
    settings = ServiceSettings(run.location, threads=1, access_log=str(tmp_path / "log"))
    with serving(create_app(settings, LocalBackend(settings))) as url, httpx.Client(base_url=url, timeout=60) as client:
        for answer in (
            client.get("/v1/model"),
            client.get("/readyz"),
            client.post("/v1/boxes", content=png, headers={"Content-Type": "image/png"}),
        ):
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
        assert client.get("/healthz").status_code == 200

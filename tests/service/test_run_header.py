"""Answers name their run, and what was meant for another run at the same address is refused."""

import pytest
from asked_run import asked_run
from fastapi.testclient import TestClient

from raymeta.runs.run_format import new_run, run_key
from raymeta.service.http.app import create_app
from raymeta.service.scoring.local_backend import LocalBackend
from raymeta.service.settings import ServiceSettings

HEADER = "X-Raymeta-Run"
HERE = "http://127.0.0.1:8000"


def opened(location):
    settings = ServiceSettings(location, threads=1, access_log="/dev/null", local_person=True)
    return TestClient(create_app(settings, LocalBackend(settings)), base_url=HERE)


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    return [asked_run(tmp_path_factory.mktemp("run"), [("im1", 0, 0)]) for _ in range(2)]


def test_what_is_meant_for_another_run_does_nothing(stores):
    first, second = (opened(store.location) for store in stores)
    keys = [client.get("/v1/tasks/me").headers[HEADER] for client in (first, second)]
    assert keys[0] != keys[1]
    assert opened(stores[0].location).get("/v1/tasks").headers[HEADER] == keys[0]  # another process, the same run
    path = "/v1/tasks/q000-000001/answers/7b0c3c52-0d6f-4a7e-8a52-0c6f4a7e8a52"
    refused = second.put(path, json={"undecidable": True}, headers={HEADER: keys[0]})
    assert (refused.status_code, refused.headers[HEADER]) == (412, keys[1])
    assert keys[0] in refused.json()["detail"]
    assert second.get("/v1/tasks/q000-000001/answers").json()["answers"] == []
    assert second.put(path, json={"undecidable": True}, headers={HEADER: keys[1]}).status_code == 201
    assert second.get("/healthz", headers={HEADER: keys[0]}).status_code == 200
    assert second.get("/v1/nothing").headers[HEADER] == keys[1]  # errors name it too


def test_a_key_is_a_runs_own_and_stays_when_it_is_resumed(stores):
    store = stores[0]
    config, info = store.load_config(), store.run_info()
    key = run_key(info, "run")
    assert len({key, run_key(info, "copy"), run_key(new_run(config), "run")}) == 3
    store.create(config.model_copy(update={"iterations": 5}))
    assert run_key(store.run_info(), "run") == key

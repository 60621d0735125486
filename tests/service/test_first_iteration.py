"""A run that has finished no iteration yet is served: its progress is empty, not missing."""

import httpx
import pytest
from asked_run import asked_run
from tiny_runs import serving

from raymeta.client import Client
from raymeta.service.http.app import create_app
from raymeta.service.scoring.local_backend import LocalBackend
from raymeta.service.settings import ServiceSettings


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """URL of the service of a run whose first query is asked; nothing is scored."""
    folder = tmp_path_factory.mktemp("begun")
    store = asked_run(folder, [("im1", 0, 0)])
    settings = ServiceSettings(store.location, threads=1, access_log="/dev/null", local_person=True)
    with serving(create_app(settings, LocalBackend(settings))) as url:
        yield url, store.load_config()


def test_progress_is_an_empty_list_with_what_is_planned(begun):
    url, config = begun
    answer = httpx.get(f"{url}/v1/iterations")
    assert answer.status_code == 200
    assert answer.json() == {
        "strategy": config.acquisition.strategy,
        "seed": config.seed,
        "planned": config.iterations,
        "iterations": [],
        "full_set_miou": None,
    }
    assert "X-Raymeta-Iteration" not in answer.headers  # none made it
    again = httpx.get(f"{url}/v1/iterations", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    with Client(url) as client:
        assert client.iterations()["iterations"] == []


def test_what_needs_an_iteration_is_asked_for_again_later(begun):
    url, _ = begun
    assert httpx.get(f"{url}/v1/model").status_code == 503
    assert httpx.get(f"{url}/v1/iterations", params={"iteration": 0}).status_code == 404

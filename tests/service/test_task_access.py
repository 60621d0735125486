"""Who may read and write tasks: tokens, roles, and pages of other sites that are open in the same browser."""

import httpx
import numpy as np
import pytest
from asked_run import asked_run
from fastapi.testclient import TestClient

from raymeta.cli import main
from raymeta.labels.annotator_list import add_annotator, remove_annotator
from raymeta.service.http.app import create_app
from raymeta.service.scoring.local_backend import LocalBackend
from raymeta.service.settings import ServiceSettings

HERE = "http://127.0.0.1:8000"
LEASE = "/v1/tasks/lease"


@pytest.fixture(scope="module")
def location(tmp_path_factory):
    return asked_run(tmp_path_factory.mktemp("access"), [("im1", 0, 0), ("im2", 8, 8)]).location


def opened(location, **more):
    settings = ServiceSettings(location, threads=1, access_log="/dev/null", **more)
    return TestClient(create_app(settings, LocalBackend(settings)), base_url=HERE)


def lease(client, token=None, **headers):
    sent = {} if token is None else {"Authorization": f"Bearer {token}"}
    return client.post(LEASE, json={"count": 1}, headers=sent | headers)


def test_whoever_works_at_the_machine_needs_no_token(location):
    client = opened(location, local_person=True)
    me = client.get("/v1/tasks/me").json()
    assert (me["who"], me["may_write"], me["reason"]) == ("local", True, None)
    assert lease(client).status_code == 200


def test_elsewhere_nobody_writes_without_a_list_of_people(location):
    client = opened(location)
    me = client.get("/v1/tasks/me").json()
    assert (me["who"], me["may_write"]) == (None, False)
    assert "--annotators" in me["reason"]
    refused = lease(client)
    assert (refused.status_code, refused.json()["detail"]) == (403, me["reason"])
    assert client.get("/v1/tasks").json()["total"] == 2


def test_the_shared_token_only_reads(location, tmp_path):
    add_annotator(tmp_path / "p.yaml", "ann", ["annotate"])
    client = opened(location, token="shared", annotators=str(tmp_path / "p.yaml"))
    assert client.get("/v1/tasks").status_code == 401
    assert client.get("/v1/tasks", headers={"Authorization": "Bearer shared"}).status_code == 200
    assert lease(client, "shared").status_code == 403
    assert lease(client, "other").status_code == 401
    assert lease(client).status_code == 401
    assert (
        opened(location, token="shared").post(LEASE, json={}, headers={"Authorization": "Bearer shared"}).status_code
        == 403
    )


def test_people_do_what_their_roles_say(location, tmp_path):
    path = tmp_path / "p.yaml"
    ann, ben = add_annotator(path, "ann", ["annotate"]), add_annotator(path, "ben", ["review"])
    client = opened(location, annotators=str(path))
    assert client.get("/v1/tasks").status_code == 401  # with people, nobody else reads
    me = client.get("/v1/tasks/me", headers={"Authorization": f"Bearer {ann}"}).json()
    assert (me["who"], me["roles"]) == ("ann", ["annotate"])
    assert lease(client, ann).status_code == 200
    assert "annotate" in lease(client, ben).json()["detail"]
    task = "/v1/tasks/q000-000001"
    for token, status in ((ann, 403), (ben, 200)):
        answer = client.post(f"{task}/reopen", json={}, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status


def test_people_come_and_go_while_it_runs(location, tmp_path):
    path = tmp_path / "p.yaml"
    ann = add_annotator(path, "ann", ["annotate"])
    client = opened(location, annotators=str(path))
    eve = add_annotator(path, "eve", ["annotate"])
    assert lease(client, eve).status_code == 200
    remove_annotator(path, "eve")
    assert lease(client, eve).status_code == 401
    path.write_text("annotators: [")  # half written: the list stays as it was
    assert lease(client, ann).status_code == 200
    path.unlink()
    assert lease(client, ann).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": HERE}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:9999"}, 403),  # another program's page on this machine
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 403),  # a name that points to this machine
        ({"Host": "[::1]:8000"}, 200),
        ({"Host": "[", "Origin": HERE}, 403),
    ],
)
def test_pages_of_other_sites_write_nothing(location, headers, status):
    assert lease(opened(location, local_person=True), **headers).status_code == status


def test_origins_that_the_service_names_may_write_with_a_token(location, tmp_path):
    token = add_annotator(tmp_path / "p.yaml", "ann", ["annotate"])
    named = {"cors_origins": ("https://tool.example",)}
    sent = {"Origin": "https://tool.example", "Sec-Fetch-Site": "cross-site"}
    assert lease(opened(location, annotators=str(tmp_path / "p.yaml"), **named), token, **sent).status_code == 200
    assert lease(opened(location, local_person=True, **named), **sent).status_code == 403
    assert lease(opened(location, local_person=True, cors_origins=("*",)), **sent).status_code == 403


def test_a_form_cant_write(location):
    client = opened(location, local_person=True)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        assert client.post(LEASE, content=b"{}", headers={"Content-Type": kind}).status_code == 415
    answer: httpx.Response = client.post(
        LEASE, content=b"{}", headers={"Content-Type": "application/json; charset=utf-8"}
    )
    assert answer.status_code == 200


def test_a_proxy_may_give_the_service_another_name(location, tmp_path):
    token = add_annotator(tmp_path / "p.yaml", "ann", ["annotate"])
    client = opened(location, annotators=str(tmp_path / "p.yaml"))
    told = {"Origin": "https://label.example", "X-Forwarded-Host": "label.example", "Host": "raymeta:8000"}
    assert lease(client, token, **told).status_code == 200
    del told["X-Forwarded-Host"]
    assert lease(client, token, **told).status_code == 403


def test_pages_learn_what_a_query_asks_for(tmp_path):
    asked = asked_run(tmp_path, [("im1", 0, 0)], segments={1: (np.ones((8, 8), bool), 1)})
    assert opened(asked.location).get("/v1/tasks/me").json()["unit"] == "segment"


def test_a_run_that_asks_nobody_says_so_to_whoever_would_write(tmp_path, capsys):
    store = asked_run(tmp_path, [], oracle="{kind: simulated}")
    client = opened(store.location, token="shared")
    sent = {"Authorization": "Bearer shared"}
    reason = client.get("/v1/tasks/me", headers=sent).json()["reason"]
    assert "simulated annotator" in reason
    refused = lease(client, "shared")
    assert (refused.status_code, refused.json()["detail"]) == (403, reason)
    assert lease(opened(store.location, local_person=True)).json()["reason"] == reason
    assert main(["tasks", store.location]) == 0
    assert "simulated annotator" in capsys.readouterr().out


def test_a_body_that_no_option_makes_room_for_names_none(location):
    refused = opened(location, local_person=True).post(LEASE, json={"set": "x" * 70_000})
    assert refused.status_code == 413
    assert "64 KiB" in refused.json()["detail"]
    assert "--max-body-mb" not in refused.json()["detail"]

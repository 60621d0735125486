"""Answers reach a run by themselves: a hook of the server leads to a pull, and a start catches up on missed ones."""

import hashlib
import hmac
import json
import time

import httpx
import pytest
from fake_cvat import TOKEN, FakeCvat
from fake_label_studio import LEGACY, FakeLabelStudio
from people_at_servers import cvat_shapes, handed_out, label_studio_result
from simulated_person import true_picture
from tiny_runs import serving

from raymeta.annotation_servers.cvat_server import CvatServer
from raymeta.annotation_servers.label_studio_server import LabelStudioServer
from raymeta.annotation_servers.server_exchange import push_tasks
from raymeta.cli.task_options import open_labels
from raymeta.service.http.app import create_app
from raymeta.service.scoring.local_backend import LocalBackend
from raymeta.service.settings import ServiceSettings

SERVICE_TOKEN, SECRET = "the-token", "the-secret"
PATIENCE_S = 60


@pytest.fixture
def service(run, monkeypatch):
    """service() serves the run anew, with the tokens of both tools in its environment."""
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", LEGACY)
    monkeypatch.setenv("CVAT_ACCESS_TOKEN", TOKEN)
    monkeypatch.setenv("RAYMETA_CVAT_SECRET", SECRET)
    settings = ServiceSettings(str(run), token=SERVICE_TOKEN, threads=1, access_log="/dev/null")
    return lambda: serving(create_app(settings, LocalBackend(settings)))


def push(run, server):
    store, labels = open_labels(str(run))
    assert push_tasks(store, labels, labels.sets.names(), server).sent == 6


def answered(run):
    _, labels = open_labels(str(run))
    return sum(state.name == "accepted" for name in labels.sets.names() for state in labels.states(name))


def wait_for(run, count):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and answered(run) < count:
        time.sleep(0.2)
    assert answered(run) == count


def draw(run, studio, numbers):
    tasks = handed_out(run)
    for number in numbers:
        studio.answer(number, label_studio_result(tasks[studio.tasks[number]["data"]["raymeta"]["task"]]))


def hook(url, number):
    """As Label Studio 1.23 sends it, with the header that its webhook was given."""
    body = {"action": "ANNOTATION_CREATED", "project": {"id": 1}, "task": {"id": number}, "annotation": {"id": 9}}
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    assert httpx.post(f"{url}/label-studio/webhook", json=body, headers=headers, timeout=60).status_code == 202


def test_what_is_submitted_in_label_studio_arrives_without_a_pull(run, service):
    studio = FakeLabelStudio()
    with serving(studio.app) as address:
        push(run, LabelStudioServer(address, LEGACY))
        first, *others = studio.tasks
        with service() as url:
            draw(run, studio, [first])
            hook(url, first)
            wait_for(run, 1)
            draw(run, studio, others)
            for number in others:  # many at once lead to one pull
                hook(url, number)
            wait_for(run, 6)


def test_a_job_that_is_completed_in_cvat_arrives_without_a_pull(run, service):
    cvat = FakeCvat()
    with serving(cvat.app) as address:
        push(run, CvatServer(address, TOKEN))
        tasks = handed_out(run)
        for number in cvat.tasks:
            labels = {label["name"]: label["id"] for label in cvat.labels[number]}
            for frame, picture in enumerate(cvat.frames[number]):
                shapes = cvat_shapes(true_picture(tasks[picture["name"].removesuffix(".png")]), frame, labels)
                cvat.add_shapes(number, shapes)
        with service() as url:
            cvat.complete("ann")
            body = json.dumps({"event": "update:job", "job": {"id": 1, "state": "completed"}, "webhook_id": 1}).encode()
            signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
            headers = {"X-Signature-256": signature}
            assert httpx.post(f"{url}/v1/hooks/cvat", content=body, headers=headers, timeout=60).status_code == 202
            wait_for(run, 6)


def test_hooks_that_came_while_nobody_listened_are_caught_up_at_the_start(run, service):
    studio = FakeLabelStudio()
    with serving(studio.app) as address:
        push(run, LabelStudioServer(address, LEGACY))
        draw(run, studio, studio.tasks)
        assert answered(run) == 0
        with service():
            wait_for(run, 6)

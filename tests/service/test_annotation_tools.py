"""Label Studio's backend and the hooks: predictions read back to the segmentation, hints only lead to pulls."""

import hashlib
import hmac
import io
import json
import shutil
import threading
from pathlib import Path

import httpx
import numpy as np
import pytest
from tiny_runs import TinyRun, serving

from raymeta.exchange import Manifest, read_answers
from raymeta.labels.task_exports import EXPORTS, task_classes
from raymeta.service.http.app import create_app
from raymeta.service.http.label_studio_predictions import region_result
from raymeta.service.http.pull_hints import PullHints
from raymeta.service.scoring.local_backend import LocalBackend
from raymeta.service.settings import ServiceSettings

TOKEN, SECRET = "the-token", "the-secret"
REGION = {"top": 8, "left": 16, "height": 24, "width": 24}
CROP = {"top": 4, "left": 12, "height": 36, "width": 40}


@pytest.fixture(scope="module")
def manifest(run: TinyRun) -> Manifest:
    image_id = run.split.pool[0]
    tasks = [
        {"id": "q000-000001", "image_id": image_id, "box": REGION, "crop": CROP},
        {"id": "validation-000001", "image_id": "no/such/image", "box": REGION, "crop": CROP},
    ]
    return Manifest.model_validate({"format": "raymeta-tasks-1", "classes": task_classes(run.dataset), "tasks": tasks})


@pytest.fixture(scope="module")
def tool(run, manifest, tmp_path_factory):
    """The service of a copy of the run that has handed two tasks out."""
    folder = shutil.copytree(run.location, tmp_path_factory.mktemp("handed") / "run")
    (folder / EXPORTS).mkdir(parents=True)
    (folder / EXPORTS / "a.json").write_text(manifest.model_dump_json())
    settings = ServiceSettings(str(folder), token=TOKEN, threads=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAYMETA_CVAT_SECRET", SECRET)
        patch.delenv("CVAT_ACCESS_TOKEN", raising=False)
        patch.delenv("LABEL_STUDIO_API_KEY", raising=False)
        app = create_app(settings, LocalBackend(settings))
    with serving(app) as url, httpx.Client(base_url=url, auth=("raymeta", TOKEN), timeout=60) as client:
        yield client


def asked(*names):
    return {"tasks": [{"id": 1, "data": {"image": "/data/x.png", "raymeta": {"task": name}}} for name in names]}


def test_the_backend_is_up_and_names_its_iteration(tool):
    assert tool.get("/label-studio/health").json() == {"status": "UP", "model_class": "raymeta"}
    assert tool.get("/label-studio/").json()["status"] == "UP"
    answer = tool.post("/label-studio/setup", json={"project": "1.2", "schema": "<View/>", "extra_params": {}})
    assert answer.json() == {"model_version": "raymeta iteration 1"}


def test_predictions_read_back_to_the_segmentation_pixel_for_pixel(tool, manifest, tmp_path):
    names = ("q000-000001", "validation-000001", "stranger")
    found = tool.post("/label-studio/predict", json=asked(*names) | {"label_config": "<View/>"}).json()
    assert [bool(each["result"]) for each in found["results"]] == [True, False, False]
    prediction = found["results"][0]
    image_id = manifest.tasks[0].image_id
    inside = np.s_[8:32, 16:40]
    maps = {name: pool_map(tool, image_id, name)[inside] for name in ("segmentation", "predicted_iou")}
    np.testing.assert_array_equal(read_back(prediction["result"], manifest, tmp_path), maps["segmentation"])
    assert prediction["score"] == pytest.approx(maps["predicted_iou"].mean(), rel=1e-6)
    assert prediction["model_version"] == "raymeta iteration 1"
    box = next(item for item in prediction["result"] if item["type"] == "rectangle")
    assert box["readonly"]
    assert (box["value"]["x"], box["value"]["width"]) == (100 * 4 / 40, 100 * 24 / 40)


def pool_map(tool, image_id, name):
    headers = {"Authorization": f"Bearer {TOKEN}"}
    path = f"/v1/pool/{image_id.replace('/', '%2F')}/map"
    content = tool.get(path, params={"map": name, "format": "npz"}, headers=headers, auth=None).content
    return np.load(io.BytesIO(content))["map"]


def read_back(result, manifest, folder: Path):
    task = {"id": 1, "data": {"raymeta": {"task": "q000-000001"}}, "annotations": [{"id": 1, "result": result}]}
    (folder / "answer.json").write_text(json.dumps([task]))
    (answer,) = read_answers(folder / "answer.json", manifest)
    assert not answer.faults
    return answer.label_map


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_noise_with_holes_reads_back_at_any_scale(manifest, tmp_path, scale):
    crop = {side: round(value / scale) for side, value in CROP.items()}
    task = manifest.tasks[0].model_validate(manifest.tasks[0].model_dump() | {"crop": crop, "scale": scale})
    classes = np.random.default_rng(3).integers(0, 3, (24, 24)).astype(np.uint8)
    names = tuple(each.name for each in manifest.classes)
    result = region_result(classes, task, names)
    assert {"polygonlabels", "rectangle"} <= {item["type"] for item in result}
    listed = manifest.model_copy(update={"tasks": [task]})
    np.testing.assert_array_equal(read_back(result, listed, tmp_path), classes)


@pytest.mark.parametrize("auth", [None, ("raymeta", "wrong"), ("", "")])
def test_the_tools_routes_ask_for_the_token(tool, auth):
    assert tool.get("/label-studio/health", auth=auth).status_code == 401
    assert tool.post("/label-studio/predict", json=asked(), auth=auth).status_code == 401
    assert (
        tool.get("/label-studio/health", auth=auth, headers={"Authorization": "Basic ÿÿ".encode()}).status_code == 401
    )
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert tool.get("/label-studio/health", auth=None, headers=headers).status_code == 200


@pytest.mark.parametrize("body", [b"", b"[]", b'{"tasks": 3}', b'{"tasks": [1]}', b"{" * 100_000, b"\xff"])
def test_what_is_no_question_is_refused(tool, body):
    headers = {"Content-Type": "application/json"}
    assert tool.post("/label-studio/predict", content=body, headers=headers).status_code == 422


def test_strange_tasks_get_empty_predictions(tool):
    tasks = [{}, {"data": None}, {"data": {"raymeta": 3}}, {"data": {"raymeta": {"task": ["q000-000001"]}}}]
    answer = tool.post("/label-studio/predict", json={"tasks": tasks})
    assert [each["result"] for each in answer.json()["results"]] == [[]] * 4


def sign(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def test_hooks_of_cvat_are_signed(tool):
    body = json.dumps({"event": "update:job", "job": {"id": 3, "state": "completed"}, "webhook_id": 1}).encode()
    post = lambda content, headers: tool.post("/v1/hooks/cvat", content=content, headers=headers, auth=None)  # noqa: E731
    assert post(body, sign(body)).status_code == 202
    assert "CVAT_ACCESS_TOKEN" in post(body, sign(body)).json()["detail"]
    for wrong in ({}, sign(body, "other"), sign(body + b" "), {"X-Signature-256": "ÿ".encode()}):
        assert post(body, wrong).status_code == 401
    for odd in (b"", b"[]", b"{}", b"[" * 100_000):
        assert post(odd, sign(odd)).status_code == 422
    ping = json.dumps({"event": "ping", "webhook": {"id": 1}}).encode()
    assert post(ping, sign(ping)).status_code == 202
    assert post(b"x" * (2 << 20), {}).status_code == 413


def test_hooks_are_off_without_a_secret(run, settings, monkeypatch):
    monkeypatch.delenv("RAYMETA_CVAT_SECRET", raising=False)
    app = create_app(settings, LocalBackend(settings))
    with serving(app) as url:
        assert httpx.post(f"{url}/v1/hooks/cvat", content=b"{}", headers=sign(b"{}", ""), timeout=60).status_code == 403


def test_the_webhook_of_label_studio_is_a_hint(tool):
    answer = tool.post("/label-studio/webhook", json={"action": "ANNOTATION_CREATED", "project": {"id": 1}})
    assert (answer.status_code, "LABEL_STUDIO_API_KEY" in answer.text) == (202, True)
    assert tool.post("/label-studio/webhook", json={"action": "PROJECT_UPDATED"}).status_code == 202


def test_many_hints_make_one_pull_and_later_ones_another(settings, monkeypatch):
    started, going, pulls = threading.Event(), threading.Event(), []

    def pull(self, tool):
        pulls.append(tool)
        started.set()
        assert going.wait(10)
        if len(pulls) == 1:
            raise RuntimeError("the server broke off")

    monkeypatch.setattr(PullHints, "_pull", pull)
    hints = PullHints(settings, {"CVAT_ACCESS_TOKEN": "x"}, gather_s=0.05)
    for _ in range(20):
        hints.hint("cvat")
    assert started.wait(10)
    for _ in range(20):
        hints.hint("cvat")
    going.set()
    for thread in threading.enumerate():
        if thread.name == "pull cvat":
            thread.join(10)
    assert pulls == ["cvat", "cvat"]

"""The whole way with a real Label Studio: push, answer through its API as people do, pull, the run goes on.

Needs RAYMETA_LABEL_STUDIO, the path of the executable `label-studio` in an environment of its own:
python -m venv studio && studio/bin/pip install label-studio==1.23.2
"""

import hashlib
import io
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from people_at_servers import goes_on, handed_out, label_studio_result, waiting_run
from PIL import Image
from running_service import free_port
from simulated_person import config_text, write_images

from raymeta.cli import main
from raymeta.cli.task_options import open_labels
from raymeta.schemas import ANNOTATION_SCHEMA, QUERY_SCHEMA

EXECUTABLE = os.environ.get("RAYMETA_LABEL_STUDIO", "")
EMAIL, PASSWORD = "ann@example.org", "a-password-of-ann"

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(2400),
    pytest.mark.skipif(not shutil.which(EXECUTABLE or "-"), reason="RAYMETA_LABEL_STUDIO names no label-studio"),
]


class Studio:
    """A running Label Studio, and a person who is signed in with a browser's session."""

    def __init__(self, url: str) -> None:
        self.url, self.personal = url, None
        self.http = httpx.Client(base_url=url, timeout=120)
        page = self.http.get("/user/login/").text
        form = {"csrfmiddlewaretoken": re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]}
        form |= {"email": EMAIL, "password": PASSWORD}
        assert self.http.post("/user/login/", data=form, headers={"Referer": url}).status_code == 302
        self.http.headers.update({"X-CSRFToken": self.http.cookies["csrftoken"], "Referer": url})

    def token(self, legacy: bool) -> str:
        """A token of either kind; legacy ones are off by default in 1.23."""
        if legacy:
            self.http.post("/api/jwt/settings", json={"api_tokens_enabled": True, "legacy_api_tokens_enabled": True})
            return self.http.get("/api/current-user/token").json()["token"]
        if self.personal is None:  # a person has one at a time
            self.personal = self.http.post("/api/token/").json()["token"]
        return self.personal

    def tasks(self, run: Path) -> dict[str, dict]:
        """Every task of a run that the server has, by raymeta's id."""
        found = {}
        for project in projects_of(run):
            parameters = {"project": project, "page_size": 1000, "fields": "all"}
            tasks = self.http.get("/api/tasks/", params=parameters).json()["tasks"]
            found |= {task["data"]["raymeta"]["task"]: task for task in tasks}
        return found

    def answer(self, number: int, result: list[dict], **fields: object) -> None:
        content = {"result": result, "lead_time": 12.345678901, "was_cancelled": False} | fields
        assert self.http.post(f"/api/tasks/{number}/annotations/", json=content).status_code == 201


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    folder, port = tmp_path_factory.mktemp("studio"), free_port()
    home = {"HOME": str(folder), "PATH": os.environ["PATH"], "COLLECT_ANALYTICS": "false"}
    home |= {"LATEST_VERSION_CHECK": "false", "SENTRY_DSN": "", "FRONTEND_SENTRY_DSN": ""}
    command = [EXECUTABLE, "start", "--no-browser", "--data-dir", str(folder / "data"), "--port", str(port)]
    command += ["--internal-host", "127.0.0.1", "--username", EMAIL, "--password", PASSWORD]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env=home, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield Studio(wait_for(f"http://127.0.0.1:{port}", process, folder / "log"))
    finally:
        process.terminate()
        process.wait(timeout=60)


def projects_of(run: Path) -> list[int]:
    """Numbers of the projects that a run handed tasks out to."""
    _, labels = open_labels(str(run))
    reasons = {event.reason for event in labels.events.all() if event.action == "hand_out"}
    return sorted(int(reason.rpartition(" ")[2]) for reason in reasons)


def wait_for(url: str, process: subprocess.Popen, log: Path) -> str:
    end = time.monotonic() + 1200
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"{url}/health", timeout=10).status_code == 200:
                return url
        except httpx.TransportError:
            pass
        time.sleep(1)
    raise AssertionError(log.read_text())


def command(studio: Studio, run: Path, action: str, *options: str) -> int:
    return main(["tasks", str(run), action, "--label-studio", studio.url, *options])


def test_a_run_that_is_labelled_there_equals_the_simulated_annotators(studio, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", studio.token(legacy=False))
    run, known = waiting_run(tmp_path), set()
    for _ in range(3):
        assert command(studio, run, "push") == 0
        assert command(studio, run, "push") == 0
        tasks, there = handed_out(run), studio.tasks(run)
        assert there.keys() == tasks.keys()
        for name, task in there.items():
            if name not in known:
                check_picture(studio, task, tasks[name])
                studio.answer(task["id"], label_studio_result(tasks[name]))
        known |= there.keys()
        assert command(studio, run, "pull") == 0
        assert "0 new" not in capsys.readouterr().out.splitlines()[-1]
        assert command(studio, run, "pull") == 0
        assert "0 new" in capsys.readouterr().out.splitlines()[-1]
        done = goes_on(tmp_path)
    assert done
    assert os.environ["LABEL_STUDIO_API_KEY"].encode() not in b"".join(
        path.read_bytes() for path in run.rglob("*") if path.is_file()
    )
    compare(run, simulated(tmp_path / "simulated"))


def check_picture(studio, task, handed):
    """The picture that people see is the one that was handed out, byte for byte."""
    data = studio.http.get(task["data"]["image"]).content
    assert hashlib.sha256(data).hexdigest() == handed.sha256
    assert Image.open(io.BytesIO(data)).size == (handed.crop.width, handed.crop.height)


def simulated(folder: Path) -> Path:
    write_images(folder / "data", labelled=True)
    (folder / "config.yaml").write_text(
        config_text(folder / "data", folder / "run", "{kind: simulated, clicks: region}")
    )
    assert goes_on(folder)
    return folder / "run"


def compare(people: Path, simulated: Path) -> None:
    for index in range(2):
        ours, theirs = (folder / f"iterations/{index:03d}" for folder in (people, simulated))
        for name, columns in (("query", QUERY_SCHEMA.names), ("annotation", ANNOTATION_SCHEMA.names)):
            tables = [pq.read_table(folder / f"{name}.parquet").select(columns) for folder in (ours, theirs)]
            assert tables[0].equals(tables[1])
        answers = pq.read_table(ours / "annotation.parquet")
        assert set(answers["who"].to_pylist()) == {EMAIL}
        assert set(answers["active_seconds"].to_pylist()) == {12.345678901}
        networks = [torch.load(folder / "network.pt", weights_only=True) for folder in (ours, theirs)]
        assert all(torch.equal(networks[0][name], networks[1][name]) for name in networks[1])


def test_deletion_there_legacy_tokens_and_skips(studio, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", studio.token(legacy=True))
    run = waiting_run(tmp_path)
    assert command(studio, run, "push", "--set", "initial") == 0
    (project,) = projects_of(run)
    (first, one), (second, other) = studio.tasks(run).items()
    studio.answer(one["id"], [], was_cancelled=True)
    assert studio.http.delete(f"/api/tasks/{other['id']}/").status_code == 204
    assert command(studio, run, "pull", "--set", "initial") == 0
    assert "proposed again" in capsys.readouterr().out
    states = {state.task.id: state for state in open_labels(str(run))[1].states("initial")}
    assert states[second].name == "proposed"
    assert len(states[first].skips) == 1
    assert command(studio, run, "push", "--set", "initial") == 0
    assert studio.http.delete(f"/api/projects/{project}/").status_code == 204
    assert command(studio, run, "pull", "--set", "initial") == 0
    assert {state.name for state in open_labels(str(run))[1].states("initial")} == {"proposed"}


def test_the_server_keeps_percents_rotation_and_times_as_they_were_sent(studio, tmp_path, monkeypatch):
    """What the reader relies on: nothing is rounded or turned at the server."""
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", studio.token(legacy=False))
    run = waiting_run(tmp_path)
    assert command(studio, run, "push", "--set", "meta") == 0
    name, handed = next((name, task) for name, task in handed_out(run).items())
    (project,) = projects_of(run)
    task = studio.tasks(run)[name]
    result = label_studio_result(handed)
    result[0] |= {"image_rotation": 90, "origin": "prediction-changed"}
    result[0]["value"]["points"][0] = [100 / 3, 0.1234567890123456]
    studio.answer(task["id"], result)
    found = studio.http.get(f"/api/projects/{project}/export", params={"exportType": "JSON"}).json()
    assert found[0]["annotations"][0]["result"] == result
    assert found[0]["annotations"][0]["lead_time"] == 12.345678901
    assert np.isfinite(found[0]["annotations"][0]["completed_by"])

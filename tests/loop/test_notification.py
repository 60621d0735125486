"""People are told when they are needed and when a run ends; telling takes bounded time and never changes the run."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import yaml
from experiment_runner import summaries
from simulated_person import config_text, write_images

from raymeta.cli import main
from raymeta.config import ConfigError, differences, load_config, parse_config
from raymeta.tracking.notification import notify


class Received:
    """What a webhook got: bodies and headers, in order."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []


@contextmanager
def webhook(status: int = 200, delay_s: float = 0.0) -> Iterator[tuple[str, Received]]:
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            received.headers.append(dict(self.headers))
            received.paths.append(self.path)
            time.sleep(delay_s)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        server.server_close()


def config_with(runner, **notification):
    values = yaml.safe_load(runner.config.read_text())
    return parse_config(values | {"notify": notification})


def writes_to(path) -> list[str]:
    return [sys.executable, "-c", f"import sys; open({str(path)!r}, 'a').write(sys.stdin.read())"]


def small_config(folder, oracle: str, labelled: bool):
    write_images(folder / "data", labelled=labelled)
    (folder / "config.yaml").write_text(config_text(folder / "data", folder / "run", oracle))
    return folder / "config.yaml"


def test_a_finished_run_is_told_once_and_secrets_stay_in_the_environment(tmp_path, monkeypatch, capsys):
    config, told = small_config(tmp_path, "{kind: simulated}", labelled=True), tmp_path / "told.jsonl"
    monkeypatch.setenv("HOOK_PATH", "s3cret-path")
    monkeypatch.setenv("HOOK_TOKEN", "s3cret-token")
    with webhook() as (url, received):
        options = [
            f"notify.command={json.dumps(writes_to(told))}",
            f"notify.webhook={url}/${{HOOK_PATH}}",
            "notify.headers=['Authorization: Bearer ${HOOK_TOKEN}']",
        ]
        for _ in range(2):
            assert main(["run", "--local", str(config), *options, "iterations=1"]) == 0
    (message,) = [json.loads(line) for line in told.read_text().splitlines()]
    assert [message] == [{**body, "time": message["time"]} for body in received.bodies]
    assert message["event"] == "finished"
    assert message["run"] == str(tmp_path / "run")
    assert (message["iteration"], message["iterations"]) == (1, 1)
    assert message["miou"] == pytest.approx(100 * summaries(tmp_path / "run")[0]["miou"])
    assert received.paths == ["/s3cret-path"]
    assert received.headers[0]["Authorization"] == "Bearer s3cret-token"
    shown = capsys.readouterr()
    assert "s3cret" not in shown.out + shown.err
    assert "s3cret" not in (tmp_path / "run/config.yaml").read_text()


def test_a_failure_is_told(tmp_path):
    config, told = small_config(tmp_path, "{kind: simulated}", labelled=True), tmp_path / "told.jsonl"
    options = [f"notify.command={json.dumps(writes_to(told))}", "acquisition.initial_images=5000"]
    assert main(["run", "--local", str(config), *options]) == 2
    message = json.loads(told.read_text())
    assert message["event"] == "failed"
    assert "5000" in message["text"]
    assert message["miou"] is None


def test_people_are_told_once_what_is_wanted(tmp_path):
    config = small_config(tmp_path, "{kind: people}", labelled=False)
    with webhook() as (url, received):
        for _ in range(2):
            assert main(["run", "--local", str(config), f"notify.webhook={url}"]) == 3
    (message,) = received.bodies
    assert message["event"] == "waits"
    assert "raymeta tasks" in message["text"]


@pytest.mark.parametrize("status", [404, 500])
def test_a_refusal_is_said_and_changes_nothing(runner, status, monkeypatch):
    monkeypatch.setenv("HOOK_PATH", "s3cret")
    said: list[str] = []
    with webhook(status) as (url, _):
        notify(config_with(runner, webhook=f"{url}/${{HOOK_PATH}}"), "failed", "text", said.append)
    assert len(said) == 1
    assert str(status) in said[0]
    assert "s3cret" not in said[0]


def test_nothing_waits_longer_than_it_may(runner):
    said: list[str] = []
    sleeper = [sys.executable, "-c", "import time; time.sleep(30)"]
    began = time.monotonic()
    with webhook(delay_s=30) as (url, _):
        notify(config_with(runner, webhook=url, command=sleeper, timeout_s=0.5), "failed", "text", said.append)
        assert time.monotonic() - began < 10
    assert len(said) == 2


@pytest.mark.parametrize(
    "notification",
    [
        {"command": ["/no/such/program"]},
        {"webhook": "http://127.0.0.1:9"},
        {"webhook": "https://x/${NOT_SET_ANYWHERE}"},
    ],
)
def test_what_can_not_be_told_is_said(runner, notification):
    said: list[str] = []
    notify(config_with(runner, **notification), "finished", "text", said.append)
    assert len(said) == 1


def test_events_that_are_not_wanted_are_not_told(runner):
    with webhook() as (url, received):
        config = config_with(runner, webhook=url, events=["waits"])
        notify(config, "finished", "text", print)
        notify(config, "waits", "text", print)
    assert [message["event"] for message in received.bodies] == ["waits"]


@pytest.mark.parametrize(
    "wrong", [{"webhook": "slack.example/x"}, {"headers": ["no colon"]}, {"headers": ["A: b\nC: d"]}]
)
def test_wrong_values_are_refused(runner, wrong):
    with pytest.raises(ConfigError):
        config_with(runner, **wrong)


def test_a_resumed_run_may_tell_others(runner):
    config = load_config(str(runner.config))
    other = config_with(runner, webhook="https://x", timeout_s=3.0, events=["failed"], headers=["A: b"], command=["x"])
    assert differences(config, other) == []

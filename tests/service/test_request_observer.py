"""The access log and the metrics, over real requests."""

import json
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tiny_runs import serving

from raymeta.service.http.app import create_app
from raymeta.service.http.service_metrics import ServiceMetrics, metrics_text
from raymeta.service.scoring.local_backend import LocalBackend
from raymeta.service.scoring.scoring_request import ReplicaStatus

PNG = {"Content-Type": "image/png"}


@pytest.fixture
def observed(settings, tmp_path):
    own = replace(settings, access_log=str(tmp_path / "access.log"), token="hidden")
    headers = {"Authorization": "Bearer hidden"}
    with (
        serving(create_app(own, LocalBackend(own), "one")) as url,
        httpx.Client(base_url=url, headers=headers, timeout=60) as client,
    ):
        yield client, tmp_path / "access.log"


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Value by name and sorted label values."""
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_line_a_request_without_the_token(observed, png):
    client, log = observed
    client.post("/v1/boxes?k=3", content=png, headers=PNG)
    client.get("/v1/pool/nowhere")
    client.get("/nothing")
    deadline = time.monotonic() + 30
    while Path(log).read_text().count("\n") < 3 and time.monotonic() < deadline:  # written after the answer is sent
        time.sleep(0.05)
    lines = [json.loads(line) for line in Path(log).read_text().splitlines()]
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("POST", "/v1/boxes", 200),
        ("GET", "/v1/pool/nowhere", 404),
        ("GET", "/nothing", 404),
    ]
    first = lines[0]
    assert (first["query"], first["bytes_in"], first["iteration"]) == ("k=3", len(png), 1)
    assert first["bytes_out"] > 100
    assert 0 < first["seconds"] < 30
    assert first["client"] == "127.0.0.1"
    assert "hidden" not in Path(log).read_text()


def test_metrics_count_requests_by_route_and_stages(observed, png):
    client, _ = observed
    for _ in range(3):
        client.post("/v1/priority-map", content=png, headers=PNG)
    client.get("/v1/pool/one")
    client.get("/v1/pool/two")
    client.get("/unknown/7")
    found = samples(client.get("/metrics").text)
    assert found["raymeta_requests_total", "one", "POST", "/v1/priority-map", "200"] == 3
    assert found["raymeta_requests_total", "one", "GET", "/v1/pool/{image_id:path}", "404"] == 2
    assert found["raymeta_requests_total", "one", "(any)", "(none)", "404"] == 1
    assert found["raymeta_request_seconds_count", "one", "/v1/priority-map"] == 3
    assert found["raymeta_stage_seconds_count", "one", "render"] == 3
    assert found["raymeta_stage_seconds_count", "one", "network"] == 1  # the cache answered the others
    assert found["raymeta_cached_maps_total", "one"] == 2
    assert found["raymeta_live_iteration", "local"] == 1
    assert found["raymeta_refused_bundles", "local"] == 0


def test_series_of_several_processes_stand_beside_each_other():
    processes = []
    for name, count in (("a", 1), ("b", 4)):
        metrics = ServiceMetrics(name)
        for _ in range(count):
            metrics.observe_request("GET", "/v1/model", 200, 0.01)
        processes.append(metrics.text())
    statuses = [ReplicaStatus("x", 3, {4: "damaged"}), ReplicaStatus("y", None)]
    text = metrics_text(processes, statuses)
    found = samples(text)
    assert found["raymeta_requests_total", "a", "GET", "/v1/model", "200"] == 1
    assert found["raymeta_requests_total", "b", "GET", "/v1/model", "200"] == 4
    assert text.count("# TYPE raymeta_requests_total") == 1
    assert (found["raymeta_live_iteration", "x"], found["raymeta_refused_bundles", "x"]) == (3, 1)
    assert ("raymeta_live_iteration", "y") not in found

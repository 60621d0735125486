"""`raymeta serve` for real: its own process, Ray Serve, sockets; replicas die and iterations come while it runs."""

import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
import torch
from running_service import Service, wait_for
from tiny_runs import TinyRun, encode

from raymeta.acquisition.pool_scoring import score_image
from raymeta.client import Client
from raymeta.loop.image_scorer import ImageScorer
from raymeta.loop.iteration_bundle import read_bundle

pytestmark = [pytest.mark.ray, pytest.mark.slow]

IMAGE = np.random.default_rng(2).integers(0, 256, (90, 120, 3), dtype=np.uint8)
PNG = {"Content-Type": "image/png"}


class ServedRun(Service):
    """The service of a run that goes on."""

    def __init__(self, run: TinyRun, folder: Path) -> None:
        super().__init__(run.location, folder)
        self.run = run

    def __enter__(self) -> "ServedRun":
        super().__enter__()
        return self


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedRun]:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("serve")
    run = TinyRun(folder)
    run.commit(0)
    with ServedRun(run, folder) as found:
        yield found


def test_maps_equal_score_image(service: ServedRun) -> None:
    scorer = ImageScorer(
        service.run.config, service.run.dataset, read_bundle(service.run.store, 0), torch.device("cpu")
    )
    expected = score_image(
        scorer.softmax(IMAGE),
        strategy="metabox_plus",
        box_width=8,
        seed=0,
        iteration=0,
        image_id="any",
        regressor=scorer.regressor,
        clicks_max=9,
        keep_maps=True,
    ).maps
    with Client(service.url) as client:
        for name in ("joint", "metaseg", "clicks", "entropy", "predicted_iou", "segmentation"):
            served = client.priority_map(encode(IMAGE), map=name)
            np.testing.assert_array_equal(served.values, expected[name].astype(served.values.dtype))
            assert served.iteration == 0


def test_it_listens_on_this_machine_alone(service: ServedRun) -> None:
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    addresses = {row[1].partition(":")[0] for row in listening if row[1].endswith(f":{service.port:04X}")}
    assert addresses <= {"0100007F"}
    assert addresses


def test_the_page_and_its_scripts_come_through_the_proxy(service: ServedRun) -> None:
    page = httpx.get(service.url, timeout=60)
    assert page.headers["Content-Type"].startswith("text/html")
    assert "script-src 'self'" in page.text
    script = re.search(r'src="([^"]+\.js)"', page.text)
    assert script is not None
    assert httpx.get(f"{service.url}/{script[1]}", timeout=60).headers["Content-Type"].startswith("text/javascript")


def test_limits_hold_behind_the_proxy(service: ServedRun) -> None:
    for body in (b"\0" * 1_100_000, (b"\0" * 100_000 for _ in range(20))):
        answer = httpx.post(f"{service.url}/v1/boxes", content=body, headers=PNG, timeout=120)
        assert answer.status_code == 413


def test_too_many_requests_are_sent_away_with_a_time_to_come_back(service: ServedRun) -> None:
    # Large enough that the queue fills, however fast the machine is.
    body = encode(IMAGE.repeat(6, axis=0).repeat(6, axis=1))

    def ask(number: int) -> httpx.Response:
        return httpx.post(f"{service.url}/v1/boxes", content=body, headers=PNG, timeout=300)

    with ThreadPoolExecutor(40) as threads:
        answers = list(threads.map(ask, range(60)))
    assert {answer.status_code for answer in answers} == {200, 503}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers if answer.status_code == 503)


def test_lost_processes_and_a_new_iteration_fail_no_request_of_a_client_that_retries(service: ServedRun) -> None:
    seen: list[int] = []
    errors: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        with Client(service.url, deadline_s=300) as client:
            number = 0
            while not stop.is_set():
                number += 1
                try:
                    seen.append(client.boxes(encode(IMAGE) + bytes([number % 256]), k=5).iteration)
                except Exception as error:
                    errors.append(repr(error))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for deployment in ("ScoringReplica", "PriorityMapIngress"):
            before = service.pids(deployment)
            count = len(seen)
            os.kill(before[0], signal.SIGKILL)
            wait_for(lambda: set(service.pids(deployment)) - set(before) and len(seen) > count + 20, service)  # noqa: B023
        service.run.commit(1)
        wait_for(lambda: seen[-1] == 1, service)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert errors == []
    assert set(seen) == {0, 1}
    # What was lost with the scoring replica was asked again by the HTTP process: it never answered 500 itself.
    statuses = [json.loads(line)["status"] for line in service.access_log.read_text().splitlines()]
    assert len(statuses) > len(seen)
    assert 500 not in statuses


def test_a_broken_iteration_is_refused_and_shown(service: ServedRun) -> None:
    service.run.commit(2)
    content = service.run.store.iteration(2).read_bytes("network.pt")
    wait_for(lambda: service.ready().get("iteration") == 2, service)
    folder = service.run.store.iteration(3)
    folder.write_bytes("network.pt", content)
    (Path(service.run.location) / "iterations/003/network.pt").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    for stage in ("train", "fit", "score"):
        folder.commit(stage, ["network.pt"])
    wait_for(lambda: "3" in service.ready()["replicas"][0]["refused"], service)
    assert service.ready()["iteration"] == 2
    metrics = httpx.get(f"{service.url}/metrics", timeout=60).text
    assert any(line.startswith("raymeta_refused_bundles{") and line.endswith(" 1.0") for line in metrics.splitlines())
    assert httpx.get(f"{service.url}/v1/model", timeout=60).headers["X-Raymeta-Iteration"] == "2"

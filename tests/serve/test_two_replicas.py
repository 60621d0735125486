"""Two scoring replicas behind `raymeta serve --replicas 2`: both answer, they agree, and one of them may die."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from http_person import answer_all, labels_for
from running_service import Service, wait_for
from simulated_person import config_text, write_images
from tiny_runs import encode, serving

from raymeta.client import Client
from raymeta.config import load_config
from raymeta.errors import WaitingForPeople
from raymeta.labels.annotator_list import add_annotator
from raymeta.loop.iterations import run_experiment
from raymeta.loop.local_workers import local_workers
from raymeta.service.http.app import create_app
from raymeta.service.scoring.local_backend import LocalBackend
from raymeta.service.settings import ServiceSettings

pytestmark = [pytest.mark.ray, pytest.mark.long, pytest.mark.timeout(600)]

# Large enough that requests pile up.
IMAGE = encode(np.random.default_rng(2).integers(0, 256, (90, 120, 3), dtype=np.uint8).repeat(4, 0).repeat(4, 1))
ASKING = 6


def go_on(folder: Path) -> None:
    with pytest.raises(WaitingForPeople):
        run_experiment(load_config(folder / "config.yaml"), local_workers)


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A run with a network that waits for people to answer its first query."""
    folder = tmp_path_factory.mktemp("asked")
    write_images(folder / "data", labelled=False)
    (folder / "config.yaml").write_text(config_text(folder / "data", folder / "run", "{kind: people}"))
    go_on(folder)
    settings = ServiceSettings(str(folder / "run"), threads=1, access_log="/dev/null", local_person=True)
    with serving(create_app(settings, LocalBackend(settings))) as url, httpx.Client(base_url=url, timeout=60) as client:
        answer_all(client)
    go_on(folder)
    return folder


class Load:
    """Clients that ask for maps all the time; the bytes after an image's end differ, so that no cache answers."""

    def __init__(self, url: str, token: str) -> None:
        self.answers: list[np.ndarray] = []
        self.errors: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(url, token)) for _ in range(ASKING)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, url: str, token: str) -> None:
        with Client(url, token, deadline_s=120) as client:
            while not self._stop.is_set():
                try:
                    self.answers.append(client.priority_map(IMAGE + os.urandom(8)).values)
                except Exception as error:
                    self.errors.append(repr(error))


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def both_work(pids: list[int], load: Load, count: int) -> None:
    """Wait until so many requests more were answered, and each replica computed at least a fifth of it."""
    before, answered = [cpu_seconds(pid) for pid in pids], len(load.answers)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        used = [cpu_seconds(pid) - start for pid, start in zip(pids, before, strict=True)]
        if len(load.answers) >= answered + count and min(used) >= 0.2 * sum(used):
            return
        time.sleep(0.2)
    raise AssertionError(f"CPU seconds of the replicas: {used}, answers: {len(load.answers) - answered}")


def hold(service: Service, tokens: list[str]) -> list[list[str]]:
    """Two tasks each, asked for at once."""

    def lease(token: str) -> list[str]:
        with Client(service.url, token) as client:
            return [task["id"] for task in client.tasks.lease(count=2)]

    with ThreadPoolExecutor(len(tokens)) as threads:
        return list(threads.map(lease, tokens))


def test_two_replicas_agree_share_the_tasks_and_lose_no_answer(asked):
    tokens = [add_annotator(asked / "people.yaml", f"p{number}", ["annotate"]) for number in range(3)]
    options = ("--annotators", str(asked / "people.yaml"), "--replicas", "2")
    with Service(str(asked / "run"), asked, *options) as service:
        with Client(service.url, tokens[0]) as client:
            quiet = client.priority_map(IMAGE).values
        assert len(service.pids("ScoringReplica")) == 1
        with Load(service.url, tokens[0]) as load:
            began = time.monotonic()
            wait_for(lambda: len(service.ready().get("replicas", [])) == 2, service, seconds=240)
            print(f"the second replica answers after {time.monotonic() - began:.0f} s")
            pids = service.pids("ScoringReplica")
            both_work(pids, load, 20)
            held = hold(service, tokens)
            tasks = [task_id for of_person in held for task_id in of_person]
            assert len(tasks) == len(set(tasks)) >= 4
            lost, count = time.monotonic(), len(load.answers)
            os.kill(pids[0], signal.SIGKILL)
            wait_for(lambda: len(load.answers) >= count + 20, service)
            wait_for(lambda: set(service.pids("ScoringReplica")) - set(pids), service, seconds=180)
            wait_for(lambda: len(service.ready().get("replicas", [])) == 2, service, seconds=180)
            print(f"two again after {time.monotonic() - lost:.0f} s")
            both_work(service.pids("ScoringReplica"), load, 20)
        assert load.errors == []
        assert all(np.array_equal(values, quiet) for values in load.answers)
        print(f"{len(load.answers)} answers")
        for token, of_person in zip(tokens, held, strict=True):
            with Client(service.url, token) as client:
                answered = client.tasks.progress()["answered"]
                mine = client.tasks.lease(count=len(of_person)) if of_person else []
                assert [task["id"] for task in mine] == of_person
                assert all(client.tasks.answer(task["id"], labels_for(task))["new"] for task in mine)
                assert client.tasks.progress()["answered"] == answered + len(of_person)

"""People answer over a real `raymeta serve`, and its processes are killed meanwhile."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pyarrow.parquet as pq
import pytest
import torch
from http_person import labels_for
from running_service import Service, wait_for
from simulated_person import config_text, write_images

from raymeta.cli.task_options import open_labels
from raymeta.client import Client
from raymeta.config import load_config
from raymeta.errors import WaitingForPeople
from raymeta.labels.annotator_list import add_annotator
from raymeta.loop.iterations import run_experiment
from raymeta.loop.local_workers import local_workers
from raymeta.schemas import ANNOTATION_SCHEMA, QUERY_SCHEMA

pytestmark = [pytest.mark.ray, pytest.mark.slow]

DEPLOYMENTS = ("TaskDispatcher", "PriorityMapIngress")


class Labelling(Service):
    """A service that people work on before anything is scored."""

    def __enter__(self):
        try:
            # People may work before all of it is up; but what is asked to end before that ends as Ray likes.
            wait_for(lambda: "Ctrl-C ends it" in self.log.read_text() and self.is_up(), self, seconds=400)
        except BaseException:
            self.close()
            raise
        return self

    def is_up(self):
        try:
            return httpx.get(f"{self.url}/v1/tasks/me", timeout=30).status_code in (200, 401)
        except httpx.TransportError:
            return False


def run(folder, data, oracle):
    path = folder / "config.yaml"
    path.write_text(config_text(data, folder / "run", oracle).replace("initial_images: 2", "initial_images: 6"))
    run_experiment(load_config(path), local_workers)
    return folder / "run"


@pytest.fixture
def asked(tmp_path):
    """A run that waits for its first labels."""
    folder = tmp_path / "asked"
    write_images(folder / "data", labelled=False)
    with pytest.raises(WaitingForPeople):
        run(folder, folder / "data", "{kind: people}")
    return folder


def service_of(asked):
    return Labelling(str(asked / "run"), asked, "--annotators", str(asked / "people.yaml"))


def test_people_never_hold_the_same_task_and_killed_processes_lose_no_answer(asked, tmp_path):
    """Four people ask two processes at once; the whole service is killed, and then each kind of process while they
    answer: the run is the simulated annotator's."""
    tokens = [add_annotator(asked / "people.yaml", f"p{number}", ["annotate"]) for number in range(4)]
    with service_of(asked) as service:
        with ThreadPoolExecutor(len(tokens)) as threads:
            held = [task_id for ids in threads.map(lambda token: hold(service, token), tokens) for task_id in ids]
        assert len(held) == len(set(held)) == 8
        with Client(service.url, tokens[0]) as client:
            mine = client.tasks.lease(count=2)
            assert client.tasks.answer(mine[0]["id"], labels_for(mine[0]))["new"]
        os.killpg(service.process.pid, signal.SIGKILL)
        service.process.wait()
        service.close = lambda: 0  # nothing is left to be stopped
    with service_of(asked) as again:
        # Leases and answers are on disk, and the next service goes on with them.
        with Client(again.url, tokens[0]) as client:
            assert [task["id"] for task in client.tasks.lease(count=1)] == [mine[1]["id"]]
            assert client.tasks.get(mine[0]["id"])["state"] == "accepted"
            assert client.tasks.progress()["answered"] == 1
        with killing(again):
            for _ in range(2):
                all_answer(again, tokens)
                with pytest.raises(WaitingForPeople):
                    run(asked, asked / "data", "{kind: people}")
            all_answer(again, tokens)
    ours = run(asked, asked / "data", "{kind: people}")
    write_images(tmp_path / "data", labelled=True)
    assert_same(ours, run(tmp_path, tmp_path / "data", "{kind: simulated, clicks: region}"))


def hold(service, token):
    """Ids of two tasks that a person asks for."""
    with Client(service.url, token) as client:
        return [task["id"] for task in client.tasks.lease(count=2)]


def all_answer(service, tokens):
    """Everybody answers until nothing is open."""
    for token in tokens:
        with Client(service.url, token, deadline_s=300) as client:
            while tasks := client.tasks.lease(count=3):
                for task in tasks:
                    client.tasks.answer(task["id"], labels_for(task), active_seconds=1.5)


@contextmanager
def killing(service):
    """Meanwhile a process of each kind in turn gets a SIGKILL now and then."""
    stop = threading.Event()

    def kill_now_and_then():
        for deployment in DEPLOYMENTS * 20:
            if stop.wait(2):
                return
            if pids := service.pids(deployment):
                os.kill(pids[0], signal.SIGKILL)

    killer = threading.Thread(target=kill_now_and_then)
    killer.start()
    try:
        yield
    finally:
        stop.set()
        killer.join()


def assert_same(ours, theirs):
    """Every task has one answer; queries, answers and networks are those of the simulated annotator's run."""
    _, labels = open_labels(str(ours))
    for name in labels.sets.names():
        assert [(state.name, len(state.answers)) for state in labels.states(name)] == [("accepted", 1)] * len(
            labels.sets.tasks(name)
        )
    for index in range(2):
        folders = [folder / f"iterations/{index:03d}" for folder in (ours, theirs)]
        queries = [pq.read_table(folder / "query.parquet").select(QUERY_SCHEMA.names) for folder in folders]
        assert queries[0].equals(queries[1])
        answers = [pq.read_table(folder / "annotation.parquet").select(ANNOTATION_SCHEMA.names) for folder in folders]
        assert answers[0].equals(answers[1])
        networks = [torch.load(folder / "network.pt", weights_only=True) for folder in folders]
        assert all(torch.equal(networks[0][name], networks[1][name]) for name in networks[1])

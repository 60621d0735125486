"""People answer over a real `raymeta serve`, and its processes are killed meanwhile."""

import os
import shutil
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

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
            wait_for(lambda: "Ctrl-C ends it" in self.log.read_text() and self.is_up(), self, seconds=240)
        except BaseException:
            self.close()
            raise
        return self

    def is_up(self):
        try:
            return httpx.get(f"{self.url}/v1/tasks/me", timeout=10).status_code in (200, 401)
        except httpx.TransportError:
            return False


def run(folder, data, oracle):
    path = folder / "config.yaml"
    path.write_text(config_text(data, folder / "run", oracle))
    run_experiment(load_config(path), local_workers)
    return folder / "run"


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A run that waits for its first labels."""
    folder = tmp_path_factory.mktemp("asked")
    write_images(folder / "data", labelled=False)
    with pytest.raises(WaitingForPeople):
        run(folder, folder / "data", "{kind: people}")
    return folder


def answer_all(client):
    """Answer until nothing is open; how many answers were new."""
    new = 0
    while tasks := client.tasks.lease(count=3):
        for task in tasks:
            new += client.tasks.answer(task["id"], labels_for(task), active_seconds=1.5)["new"]
    return new


def test_killed_processes_lose_no_answer_and_the_run_is_the_simulated_annotators(asked, tmp_path):
    write_images(tmp_path / "data", labelled=True)
    theirs = run(tmp_path, tmp_path / "data", "{kind: simulated, clicks: region}")
    people = add_annotator(asked / "people.yaml", "ann", ["annotate"])
    with Labelling(str(asked / "run"), asked, "--annotators", str(asked / "people.yaml")) as service:
        stop = threading.Event()
        killer = threading.Thread(target=kill_now_and_then, args=(service, stop))
        killer.start()
        try:
            with Client(service.url, people, deadline_s=120) as client:
                for _ in range(2):
                    answer_all(client)
                    with pytest.raises(WaitingForPeople):
                        run(asked, asked / "data", "{kind: people}")
                answer_all(client)
        finally:
            stop.set()
            killer.join()
    ours = run(asked, asked / "data", "{kind: people}")
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


def kill_now_and_then(service, stop):
    """SIGKILL to a process of each kind in turn, while people answer."""
    for deployment in DEPLOYMENTS * 20:
        if stop.wait(2):
            return
        pids = service.pids(deployment)
        if pids:
            os.kill(pids[0], signal.SIGKILL)


def test_two_people_at_two_processes_never_hold_the_same_task(asked, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(asked / "run", folder / "run", ignore=shutil.ignore_patterns("answers", "events", "drafts"))
    shutil.rmtree(folder / "run/iterations", ignore_errors=True)
    tokens = [add_annotator(folder / "people.yaml", f"p{number}", ["annotate"]) for number in range(4)]
    with Labelling(str(folder / "run"), folder, "--annotators", str(folder / "people.yaml")) as service:

        def hold(token):
            with Client(service.url, token) as client:
                return [task["id"] for task in client.tasks.lease(count=2)]

        with ThreadPoolExecutor(4) as threads:
            held = [task_id for tasks in threads.map(hold, tokens) for task_id in tasks]
        assert len(held) == len(set(held)) > 2
        # The whole service is killed: leases and answers are on disk, and the next one goes on with them.
        with Client(service.url, tokens[0]) as client:
            mine = client.tasks.lease(count=2)
            assert client.tasks.answer(mine[0]["id"], labels_for(mine[0]))["new"]
        os.killpg(service.process.pid, signal.SIGKILL)
        service.process.wait()
        service.close = lambda: 0  # nothing is left to be stopped
    with (
        Labelling(str(folder / "run"), folder, "--annotators", str(folder / "people.yaml")) as again,
        Client(again.url, tokens[0]) as client,
    ):
        assert [task["id"] for task in client.tasks.lease(count=1)] == [mine[1]["id"]]
        assert client.tasks.get(mine[0]["id"])["state"] == "accepted"
        assert client.tasks.progress()["answered"] == 1

"""SIGKILL of processes of the HTTP service while clients ask: every answer comes, and is the one of a quiet service."""

import os
import signal
import threading

import numpy as np
import pytest
from running_service import Service, wait_for

from raymeta.client import Client

pytestmark = [pytest.mark.faults, pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]

KILLED = ("ScoringReplica", "PriorityMapIngress", "ScoringReplica")


def ask_until(stop, url, image, answers, errors):
    """Ask for maps; the bytes after an image's end differ, so that no cache answers. The client tries again."""
    with Client(url, deadline_s=90) as client:
        while not stop.is_set():
            try:
                answers.append(client.priority_map(image + os.urandom(8)).values)
            except Exception as error:
                errors.append(repr(error))


def test_a_killed_process_loses_no_answer(tmp_path, tiny_scenes, plain_undisturbed, ledger):
    image = min(tiny_scenes.rglob("*leftImg8bit.png")).read_bytes()
    answers, errors, stop = [], [], threading.Event()
    with Service(str(plain_undisturbed.run_dir), tmp_path) as service:
        with Client(service.url) as client:
            quiet = client.priority_map(image).values
        asking = (stop, service.url, image, answers, errors)
        threads = [threading.Thread(target=ask_until, args=asking) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            for deployment in KILLED:
                before, count = service.pids(deployment), len(answers)
                os.kill(before[0], signal.SIGKILL)
                wait_for(lambda: set(service.pids(deployment)) - set(before) and len(answers) > count + 10, service)  # noqa: B023
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert errors == []
    for values in answers:
        np.testing.assert_array_equal(values, quiet)
    ledger.record("scoring replica of the service killed", 2, "nothing (every request was answered)")
    ledger.record("HTTP process of the service killed", 1, "nothing (every request was answered)")

"""Fifty kills at random moments of an import, an answer, a decision and a commit: nothing is lost or counted twice."""

import os
import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from simulated_person import config_text, draw, truth_of, write_images

from raymeta.cli import main
from raymeta.cli.task_options import open_labels
from raymeta.config import load_config
from raymeta.errors import WaitingForPeople
from raymeta.labels.annotator_list import Person
from raymeta.labels.answer_files import AnswerRecord, encode_labels, labels_sha256, now
from raymeta.labels.answer_imports import import_answers
from raymeta.loop.iterations import run_experiment
from raymeta.loop.local_workers import local_workers
from raymeta.service.settings import ServiceSettings
from raymeta.service.tasks.task_service import TaskService

pytestmark = [pytest.mark.long, pytest.mark.slow]
KILLS = 50
COMMITTED = ("iterations/000/query.parquet", "iterations/000/annotation.parquet", "iterations/000/labels.parquet")
PERSON = Person("ann", frozenset({"annotate"}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of two iterations that waits for whole images, which are drawn; answers wait for a review."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("kills")
    write_images(folder / "data", labelled=False, train=8, val=1)
    text = config_text(folder / "data", folder / "run", "{kind: people, review: always}")
    (folder / "config.yaml").write_text(text.replace("iterations: 2", "iterations: 1"))
    assert not go_on(folder / "run", folder)
    assert main(["tasks", str(folder / "run"), "export", "--format", "labelme", "--out", str(folder / "out")]) == 0
    draw(folder / "out", "labelme", folder / "drawn")
    return folder


def go_on(run, folder):
    """Let the run go on; False where it waits."""
    try:
        run_experiment(load_config(folder / "config.yaml", [f"run_dir={run}"]), local_workers)
    except WaitingForPeople:
        return False
    return True


def states(run):
    _, labels = open_labels(str(run))
    return {state.task.id: state for name in labels.sets.names() for state in labels.states(name)}


def bring_back(run, folder):
    import_answers(*open_labels(str(run)), folder / "drawn", who="ann")


def answer(run, folder):
    """What the service does when the page sends an answer, under the id that the page gave it."""
    service = TaskService(ServiceSettings(str(run)))
    for name in service.dispatcher.states():
        for task in service.dispatcher.labels.sets.tasks(name):
            truth = truth_of(task.image_id.rpartition("/")[2])
            values = truth[task.top : task.top + task.height, task.left : task.left + task.width]
            digest = labels_sha256(values)
            told = {"id": digest[:24], "task_id": task.id, "time": now(), "labels_sha256": digest}
            service.answer(PERSON, AnswerRecord(**told, who=PERSON.name, png=encode_labels(values)))


def accept(run, folder):
    for name in open_labels(str(run))[1].sets.names():
        assert main(["tasks", str(run), "accept", "--set", name, "--who", "rita"]) == 0


def commit(run, folder):
    go_on(run, folder)


KINDS = {"import": bring_back, "answer": answer, "accept": accept, "commit": commit}


def killed_after(seconds, action, *arguments):
    """Do something in a process that is killed after so many seconds; whether it was killed in time."""
    child = os.fork()
    if child == 0:
        try:
            action(*arguments)
            os._exit(0)
        finally:
            os._exit(1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def told(run):
    """Everything that counts: states, answers, what is asked, what was committed. No times, and no random ids."""
    files = {path.relative_to(run).as_posix() for path in run.glob("labels/answers/*/*.json")}
    asked = {path.name: pq.read_table(path / "tasks.parquet") for path in run.glob("labels/sets/*")}
    tables = {path.as_posix(): pq.read_table(run / path) for path in map(Path, COMMITTED) if (run / path).exists()}
    counted = {}
    for task_id, state in states(run).items():
        counted[task_id] = (state.name, state.accepted and state.accepted.labels_sha256, len(state.live))
    return files, asked, tables, counted


def steps(folder):
    """Run folders that wait for each kind of step, by name: (kind, folder), and what the step must lead to."""
    begun = folder / "run"
    found = [(kind, begun, done(kind, begun, folder)) for kind in ("import", "answer")]
    for _ in range(2):  # whole images, then the boxes of the query
        answered = found[-1][2]
        found.append(("accept", answered, done("accept", answered, folder)))
        committed = done("commit", found[-1][2], folder)
        found.append(("commit", found[-1][2], committed))
        if len(found) == 4:
            found.append(("answer", committed, done("answer", committed, folder)))
    return found


def done(kind, run, folder):
    """A copy of a run after a step that nobody disturbed."""
    copy = shutil.copytree(run, folder / f"{run.name}_{kind}")
    KINDS[kind](copy, folder)
    return copy


def test_fifty_kills_lose_nothing_and_count_nothing_twice(folder, tmp_path, capsys):
    cases, chosen, killed = steps(folder), random.Random(16), Counter()
    seconds = {}
    for number in range(KILLS):
        kind, before, after = cases[number % len(cases)]
        run = shutil.copytree(before, tmp_path / f"run{number}")
        key = (kind, before.name)
        if key not in seconds:
            trial = shutil.copytree(before, tmp_path / f"trial{number}")
            began = time.monotonic()
            KINDS[kind](trial, folder)
            seconds[key] = time.monotonic() - began
        for _ in range(chosen.choice((1, 1, 2))):  # some are killed again when they go on
            killed[kind] += killed_after(chosen.uniform(0, seconds[key]), KINDS[kind], run, folder)
        KINDS[kind](run, folder)
        assert told(run) == told(after), (number, kind)
        shutil.rmtree(run)
    with capsys.disabled():
        print(f"\nkilled in time: {dict(killed)} of {KILLS}")
    assert sum(killed.values()) > KILLS // 2
    assert min(killed[kind] for kind in KINDS) > 0

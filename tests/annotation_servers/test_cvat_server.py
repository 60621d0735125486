"""CVAT, as its API answers in two versions: tasks go there once, completed jobs come back, bit for bit."""

import os

import numpy as np
import pytest
from fake_cvat import TOKEN, FakeCvat
from people_at_servers import cvat_shapes, handed_out
from simulated_person import true_picture, truth_of
from tiny_runs import serving

from raymeta.annotation_servers.cvat_server import CvatServer
from raymeta.annotation_servers.rest_client import ServerError
from raymeta.annotation_servers.server_exchange import pull_answers, push_tasks
from raymeta.cli import main
from raymeta.cli.task_options import open_labels
from raymeta.errors import EXIT_BAD_INPUT


@pytest.fixture
def cvat(request):
    fake = FakeCvat(getattr(request, "param", "2.80.0"))
    with serving(fake.app) as url:
        fake.url = url
        yield fake


def push(run, cvat, **options):
    store, labels = open_labels(str(run))
    server = CvatServer(cvat.url, TOKEN, pause_s=0.01, attempts=2)
    return push_tasks(store, labels, labels.sets.names(), server, **options)


def pull(run, cvat, **options):
    store, labels = open_labels(str(run))
    server = CvatServer(cvat.url, TOKEN, pause_s=0.01, attempts=2)
    return pull_answers(store, labels, labels.sets.names(), server, **options)


def draw_all(run, cvat, who="ann"):
    """Somebody draws the truth in every job."""
    tasks = handed_out(run)
    for number in cvat.tasks:
        labels = {label["name"]: label["id"] for label in cvat.labels[number]}
        for frame, picture in enumerate(cvat.frames[number]):
            task = tasks[picture["name"].removesuffix(".png")]
            cvat.add_shapes(number, cvat_shapes(true_picture(task), frame, labels))
    cvat.complete(who)


def states(run):
    _, labels = open_labels(str(run))
    return {state.task.id: state for name in labels.sets.names() for state in labels.states(name)}


def files(run):
    return {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


@pytest.mark.parametrize("cvat", ["2.32.0", "2.80.0"], indirect=True)
def test_tasks_go_there_once_and_the_truth_comes_back(run, cvat):
    assert (push(run, cvat).sent, len(cvat.tasks)) == (6, 3)
    assert all(task["image_quality"] == 100 for task in cvat.tasks.values())
    assert {state.note for state in states(run).values()} == {f"cvat:task {number}" for number in cvat.tasks}
    before, known = files(run), dict(cvat.tasks)
    again = push(run, cvat)
    assert (again.sent, again.known, cvat.tasks, files(run)) == (0, 6, known, before)
    assert pull(run, cvat).added == 0  # nothing is completed yet
    draw_all(run, cvat)
    first = pull(run, cvat)
    assert (first.added, first.refused) == (6, 0)
    for state in states(run).values():
        assert (state.name, state.accepted.who) == ("accepted", "ann")
        np.testing.assert_array_equal(state.accepted.labels(), truth_of(state.task.image_id.rpartition("/")[2]))
    before = files(run)
    assert (pull(run, cvat).added, files(run)) == (0, before)


def test_a_task_that_was_deleted_there_is_proposed_again(run, cvat):
    push(run, cvat)
    gone = next(iter(cvat.tasks))
    cvat.delete_task(gone)
    summary = pull(run, cvat)
    assert any(f"task {gone}" in message and "2 of its tasks" in message for message in summary.messages)
    assert sorted(state.name for state in states(run).values()) == ["handed_out"] * 4 + ["proposed"] * 2
    assert push(run, cvat).sent == 2
    assert {state.name for state in states(run).values()} == {"handed_out"}


@pytest.mark.parametrize("path", ["POST /api/tasks", "/data/", "/data/meta", "PATCH /api/tasks", "/api/labels"])
def test_a_push_that_breaks_off_is_made_whole_by_the_next_one(run, cvat, path):
    cvat.broken_path = path
    with pytest.raises(ServerError):
        push(run, cvat)
    assert {state.name for state in states(run).values()} == {"proposed"}
    cvat.broken_path = None
    assert push(run, cvat).sent == 6
    assert [len(frames) for number, frames in cvat.frames.items() if number in cvat.tasks] == [2, 2, 2]


@pytest.mark.parametrize("path", ["/api/jobs", "/annotations/", "/api/labels"])
def test_a_pull_that_breaks_off_keeps_nothing(run, cvat, path):
    push(run, cvat)
    draw_all(run, cvat)
    before = files(run)
    cvat.broken_path = path
    with pytest.raises(ServerError):
        pull(run, cvat)
    assert files(run) == before
    cvat.broken_path = None
    assert pull(run, cvat).added == 6


def test_what_isnt_completed_or_is_no_shape_isnt_taken(run, cvat):
    push(run, cvat)
    draw_all(run, cvat)
    open_job, tracked, strange = cvat.jobs
    cvat.jobs[open_job]["state"] = "in progress"
    cvat.annotations[tracked]["tracks"] = [{"frame": 0, "label_id": 1, "shapes": []}]
    cvat.annotations[strange]["shapes"][0]["label_id"] = 999
    summary = pull(run, cvat)
    assert summary.added == 1  # of the two pictures of the strange job, the one without the strange label
    assert summary.refused == 2


def test_recall_proposes_again_and_a_push_hands_the_same_pictures_out(run, cvat, monkeypatch, capsys):
    monkeypatch.setenv("CVAT_ACCESS_TOKEN", TOKEN)
    assert main(["tasks", str(run), "push", "--cvat", cvat.url, "--set", "initial"]) == 0
    assert main(["tasks", str(run), "recall", "--set", "initial"]) == 0
    assert {state.name for state in states(run).values()} == {"proposed"}
    assert main(["tasks", str(run), "push", "--cvat", cvat.url, "--set", "initial"]) == 0
    assert len(cvat.tasks) == 1
    assert sum(state.name == "handed_out" for state in states(run).values()) == 2
    draw_all(run, cvat)
    assert main(["tasks", str(run), "pull", "--cvat", cvat.url]) == 0
    assert TOKEN not in capsys.readouterr().out
    assert not any(TOKEN.encode() in data for data in files(run).values())


def test_what_was_handed_out_to_others_stays_there(run, cvat, tmp_path):
    assert (
        main(["tasks", str(run), "export", "--set", "meta", "--format", "labelme", "--out", str(tmp_path / "o")]) == 0
    )
    summary = push(run, cvat)
    assert (summary.sent, summary.elsewhere) == (4, 2)


def test_another_version_is_told_and_goes_on(run, cvat):
    cvat.version = "2.31.0"
    summary = push(run, cvat)
    assert summary.sent == 6
    assert any("2.31.0" in message for message in summary.messages)


def test_a_wrong_token_and_no_token_are_told(run, cvat, monkeypatch, capsys):
    monkeypatch.delenv("CVAT_ACCESS_TOKEN", raising=False)
    assert main(["tasks", str(run), "push", "--cvat", cvat.url]) == EXIT_BAD_INPUT
    monkeypatch.setenv("CVAT_ACCESS_TOKEN", "wrong-secret")
    assert main(["tasks", str(run), "push", "--cvat", cvat.url]) == EXIT_BAD_INPUT
    said = capsys.readouterr().err
    assert "CVAT_ACCESS_TOKEN" in said
    assert "wrong-secret" not in said


def test_two_pushes_at_once_send_each_task_once(run, cvat):
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            try:
                push(run, cvat)
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    assert len(cvat.tasks) == 3
    assert sum(len(frames) for frames in cvat.frames.values()) == 6
    assert {state.name for state in states(run).values()} == {"handed_out"}

"""Label Studio, as its API answers: tasks go there once, answers come back bit for bit, odd answers cost nothing."""

import json
import shutil

import numpy as np
import pytest
from fake_label_studio import LEGACY, REFRESH, FakeLabelStudio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from people_at_servers import handed_out, label_studio_result
from simulated_person import truth_of
from tiny_runs import serving

from raymeta.annotation_servers.label_studio_server import LabelStudioServer
from raymeta.annotation_servers.rest_client import ServerError
from raymeta.annotation_servers.server_exchange import pull_answers, push_tasks
from raymeta.cli import main
from raymeta.cli.task_options import open_labels
from raymeta.errors import InputError


@pytest.fixture
def studio():
    fake = FakeLabelStudio()
    with serving(fake.app) as url:
        fake.url = url
        yield fake


def push(run, studio, token=LEGACY, pictures_at=None, **options):
    store, labels = open_labels(str(run))
    server = LabelStudioServer(studio.url, token, pictures_at=pictures_at, pause_s=0.01, attempts=3)
    return push_tasks(store, labels, labels.sets.names(), server, **options)


def pull(run, studio, token=LEGACY, **options):
    store, labels = open_labels(str(run))
    server = LabelStudioServer(studio.url, token, pause_s=0.01, attempts=3)
    return pull_answers(store, labels, labels.sets.names(), server, **options)


def draw_all(run, studio):
    tasks = handed_out(run)
    for number, task in studio.tasks.items():
        studio.answer(number, label_studio_result(tasks[task["data"]["raymeta"]["task"]]))


def states(run):
    _, labels = open_labels(str(run))
    return {state.task.id: state for name in labels.sets.names() for state in labels.states(name)}


def files(run):
    return {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


@pytest.mark.parametrize("token", [LEGACY, REFRESH])
def test_tasks_go_there_once_and_the_truth_comes_back(run, studio, token):
    assert (push(run, studio, token).sent, len(studio.projects)) == (6, 3)
    pictures = {file.rpartition("-t")[2]: data for file, data in studio.uploads.values()}
    assert len(pictures) == 6
    assert {state.note for state in states(run).values()} == {f"label-studio:project {n}" for n in studio.projects}
    before = files(run)
    again = push(run, studio, token)
    assert (again.sent, again.known, len(studio.tasks), files(run)) == (0, 6, 6, before)
    draw_all(run, studio)
    first = pull(run, studio, token)
    assert (first.added, first.refused) == (6, 0)
    for state in states(run).values():
        accepted = state.accepted
        assert (state.name, accepted.who, accepted.seconds) == ("accepted", "ann@example.org", 12.345)
        assert accepted.seconds_source == "ls_lead_time"
        np.testing.assert_array_equal(accepted.labels(), truth_of(state.task.image_id.rpartition("/")[2]))
    before = files(run)
    assert (pull(run, studio, token).added, files(run)) == (0, before)


def test_an_access_token_that_ran_out_is_renewed(run, studio):
    store, labels = open_labels(str(run))
    server = LabelStudioServer(studio.url, REFRESH, pause_s=0.01)
    push_tasks(store, labels, ["initial"], server)
    studio.access += 1  # what the client holds is over
    assert push_tasks(store, labels, ["meta"], server).sent == 2


def test_pictures_may_be_served_elsewhere(run, studio, tmp_path):
    push(run, studio, pictures_at="https://pictures.example.org/p", folder=tmp_path / "served")
    assert not studio.uploads
    for task in studio.tasks.values():
        name = f"{task['data']['raymeta']['task']}.png"
        assert task["data"]["image"] == f"https://pictures.example.org/p/{name}"
        assert list((tmp_path / "served").rglob(name))


def test_deleted_projects_and_tasks_are_proposed_again(run, studio):
    push(run, studio)
    first, second, _ = studio.projects
    studio.delete_project(first)
    studio.delete_task(next(number for number, task in studio.tasks.items() if task["project"] == second))
    summary = pull(run, studio)
    assert sum("proposed again" in message for message in summary.messages) == 2
    assert sorted(state.name for state in states(run).values()) == ["handed_out"] * 3 + ["proposed"] * 3
    assert push(run, studio).sent == 3
    assert len(studio.tasks) == 6


def test_skips_count_once_and_corrections_replace(run, studio):
    push(run, studio)
    tasks, (first, second, *_) = handed_out(run), studio.tasks
    studio.answer(first, [], was_cancelled=True)
    names = [studio.tasks[number]["data"]["raymeta"]["task"] for number in (first, second)]
    studio.answer(second, label_studio_result(tasks[names[1]])[:1])
    pull(run, studio)
    assert (states(run)[names[0]].name, states(run)[names[1]].name) == ("proposed", "annotated")  # partly drawn
    studio.tasks[second]["annotations"][0]["result"] = label_studio_result(tasks[names[1]])
    assert pull(run, studio).added == 1
    assert states(run)[names[1]].name == "accepted"
    assert len(states(run)[names[0]].skips) == 1


@pytest.mark.parametrize("path", ["POST /api/projects/", "/file-uploads", "/api/tasks", "/import", "/api/version"])
def test_a_push_that_breaks_off_is_made_whole_by_the_next_one(run, studio, path):
    studio.broken_path = path
    with pytest.raises(ServerError):
        push(run, studio)
    assert {state.name for state in states(run).values()} == {"proposed"}
    studio.broken_path = None
    push(run, studio)
    assert (len(studio.tasks), len(studio.projects)) == (6, 3)
    assert {state.name for state in states(run).values()} == {"handed_out"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "data", "annotations", "result",
    "value", "points", "rle", "type", "raymeta", "task", "completed_by", "original_width", "x"]), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip
EXPORTS = st.one_of(
    JSON.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=60),
    st.sampled_from([b"", b"[", b"[" * 100_000, b"<html>Sign in</html>", b'[{"annotations": 3}]', b"\xff\xfe"]),
)


@pytest.fixture(scope="module")
def answered(asked, tmp_path_factory):
    """A run whose answers are at the server, and here."""
    run = shutil.copytree(asked, tmp_path_factory.mktemp("answered") / "run")
    fake = FakeLabelStudio()
    with serving(fake.app) as url:
        fake.url = url
        push(run, fake)
        draw_all(run, fake)
        pull(run, fake)
        yield run, fake


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EXPORTS)
def test_whatever_an_export_says_no_answer_is_lost(answered, export):
    run, studio = answered
    before = {task: state.accepted.labels_sha256 for task, state in states(run).items()}
    studio.export = export
    try:
        pull(run, studio)
    except InputError:
        pass
    finally:
        studio.export = None
    assert {task: state.accepted.labels_sha256 for task, state in states(run).items()} == before


def test_commands_need_a_token_and_one_server(run, studio, monkeypatch, capsys):
    monkeypatch.delenv("LABEL_STUDIO_API_KEY", raising=False)
    assert main(["tasks", str(run), "push", "--label-studio", studio.url]) == 2
    assert "LABEL_STUDIO_API_KEY" in capsys.readouterr().err
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", REFRESH)
    assert main(["tasks", str(run), "push", "--label-studio", studio.url, "--set", "initial"]) == 0
    assert main(["tasks", str(run), "pull", "--label-studio", studio.url]) == 0
    assert main(["tasks", str(run), "push", "--label-studio", f"http://ann:{LEGACY}@127.0.0.1:1"]) == 2
    said = capsys.readouterr()
    assert not any(secret in said.out + said.err for secret in (LEGACY, REFRESH))
    assert not any(secret.encode() in data for data in files(run).values() for secret in (LEGACY, REFRESH, "access-"))

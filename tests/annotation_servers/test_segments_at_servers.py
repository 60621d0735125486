"""Segments at annotation servers: the question goes there as a prediction, and its label comes back."""

import numpy as np
import pytest
from asked_run import asked_run
from fake_cvat import TOKEN, FakeCvat
from fake_label_studio import LEGACY, FakeLabelStudio
from people_at_servers import handed_out, label_studio_result
from simulated_person import CLASSES, said_of_segment, truth_of
from tiny_runs import serving

from raymeta.annotation_servers.cvat_server import CvatServer
from raymeta.annotation_servers.label_studio_server import LabelStudioServer
from raymeta.annotation_servers.server_exchange import pull_answers, push_tasks
from raymeta.cli.task_options import open_labels
from raymeta.service.http.label_studio_predictions import question_result

BAR = np.zeros((8, 8), bool)
BAR[2:5, 1:8] = True
FRAME = np.ones((8, 8), bool)
FRAME[3, 3:6] = False
BOXES = [("im1", 8, 8), ("im2", 0, 0), ("im3", 16, 24), ("im3", 24, 32)]


@pytest.fixture
def run(tmp_path):
    segments = {1: (BAR, 1), 2: (FRAME, 2), 3: (BAR, 0), 4: (FRAME, 1)}
    return tmp_path / asked_run(tmp_path, BOXES, segments=segments).location


def states(run):
    _, labels = open_labels(str(run))
    return labels.states("query-000")


def test_label_studio_shows_the_question_and_the_answers_are_the_simulated_annotators(run):
    fake = FakeLabelStudio()
    with serving(fake.app) as url:
        store, labels = open_labels(str(run))
        server = LabelStudioServer(url, LEGACY, pause_s=0.01, attempts=3)
        assert push_tasks(store, labels, labels.sets.names(), server).sent == len(BOXES)
        tasks = handed_out(run)
        for number, task in fake.tasks.items():
            asked = tasks[task["data"]["raymeta"]["task"]]
            [prediction] = task["predictions"]
            assert question_result(asked) == prediction["result"]
            fake.answer(number, label_studio_result(asked))
        assert pull_answers(store, labels, labels.sets.names(), server).added == len(BOXES)
    for state in states(run):
        task = state.task
        truth = truth_of(task.image_id.rpartition("/")[2])[task.top : task.top + 8, task.left : task.left + 8]
        assert state.name == "accepted"
        np.testing.assert_array_equal(state.accepted.labels(), said_of_segment(tasks[task.id], truth))


def test_a_completed_job_of_cvat_confirms_what_was_left_as_it_is(run):
    fake = FakeCvat("2.80.0")
    with serving(fake.app) as url:
        store, labels = open_labels(str(run))
        server = CvatServer(url, TOKEN, pause_s=0.01, attempts=2)
        assert push_tasks(store, labels, labels.sets.names(), server).sent == len(BOXES)
        assert pull_answers(store, labels, labels.sets.names(), server).added == 0
        fake.complete("ann")
        assert pull_answers(store, labels, labels.sets.names(), server).added == len(BOXES)
    for state in states(run):
        task = state.task
        assert task.predicted_class < len(CLASSES)
        np.testing.assert_array_equal(state.accepted.labels(), np.where(task.segment_mask, task.predicted_class, 255))

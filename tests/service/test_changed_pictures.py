"""An image that is another file than the one that people were asked about: no answer to it is taken."""

from dataclasses import replace

import numpy as np
import pytest
from asked_run import asked_run
from fastapi.testclient import TestClient
from http_person import drawn, put
from PIL import Image
from simulated_person import draw

from raymeta.cli import main
from raymeta.datasets.registry import open_dataset
from raymeta.labels.label_store import LabelStore
from raymeta.labels.picture_files import PictureFiles
from raymeta.service.http.app import create_app
from raymeta.service.scoring.local_backend import LocalBackend
from raymeta.service.settings import ServiceSettings


@pytest.fixture
def store(tmp_path):
    return asked_run(tmp_path, [("im1", 0, 0), ("im2", 8, 8)])


@pytest.fixture
def image(tmp_path):
    return tmp_path / "data" / "images" / "train" / "im1.png"


def change(image):
    """Another picture of the same size."""
    Image.fromarray(np.full((48, 64, 3), 7, np.uint8)).save(image)


def states(store):
    return [state.name for state in LabelStore(store).states("query-000")]


def test_an_answer_over_http_is_refused_until_the_old_file_is_back(store, image):
    settings = ServiceSettings(store.location, threads=1, access_log="/dev/null", local_person=True)
    client = TestClient(create_app(settings, LocalBackend(settings)), base_url="http://127.0.0.1:8000")
    first, second = (client.get(f"/v1/tasks/q000-00000{number}").json() for number in (1, 2))
    old = image.read_bytes()
    change(image)
    refused = put(client, first, drawn(first))
    assert refused.status_code == 409
    for part in ("q000-000001", "im1", "tasks close"):
        assert part in refused.json()["detail"]
    assert put(client, second, drawn(second)).status_code == 201
    assert states(store) == ["proposed", "accepted"]
    image.write_bytes(old)
    assert put(client, first, drawn(first)).status_code == 201
    assert states(store) == ["accepted", "accepted"]


def test_an_import_takes_the_answers_to_other_pictures(store, image, tmp_path, capsys):
    assert main(["tasks", store.location, "export", "--format", "labelme", "--out", str(tmp_path / "out")]) == 0
    draw(tmp_path / "out", "labelme", tmp_path / "answers")
    change(image)
    capsys.readouterr()
    assert main(["tasks", store.location, "import", str(tmp_path / "answers")]) == 1
    told = capsys.readouterr()
    assert "im1 is another file" in told.out + told.err
    assert states(store) == ["handed_out", "accepted"]


def test_a_task_of_an_earlier_version_knows_no_file(store, image):

    config = store.load_config()
    files = PictureFiles(open_dataset(config.dataset, config.seed))
    [task, _] = LabelStore(store).sets.tasks("query-000")
    change(image)
    assert files.fault(task) is not None
    assert files.fault(replace(task, picture_sha256=None)) is None
    image.unlink()
    assert files.fault(task) is None, "what can't be read is told elsewhere"

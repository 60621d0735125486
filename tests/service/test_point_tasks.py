"""Points over HTTP and from the files of tools: a run that asked for some, answered by the class at their middles."""

import numpy as np
import pytest
from asked_run import asked_run
from fastapi.testclient import TestClient
from http_person import pixels_of, png_of, put
from simulated_person import draw

from raymeta.cli import main
from raymeta.exchange import load_manifest
from raymeta.labels.label_store import LabelStore
from raymeta.service.http.app import create_app
from raymeta.service.scoring.local_backend import LocalBackend
from raymeta.service.settings import ServiceSettings

POINTS = [("im1", 20, 30), ("im2", 0, 0)]


@pytest.fixture
def store(tmp_path):
    return asked_run(tmp_path, POINTS, points=True)


@pytest.fixture
def client(store):
    settings = ServiceSettings(store.location, threads=1, access_log="/dev/null", local_person=True)
    return TestClient(create_app(settings, LocalBackend(settings)), base_url="http://127.0.0.1:8000")


def test_a_task_names_its_pixel_and_shows_it_in_its_surroundings(client):
    """A margin of 32 pixels is more than a fifth of 48; at the corner the image ends."""
    first, second = (client.get(f"/v1/tasks/q000-00000{number}").json() for number in (1, 2))
    assert first["point"] == {"row": 21, "column": 31}
    assert first["region"] == {"top": 20, "left": 30, "height": 3, "width": 3}
    assert second["point"] == {"row": 1, "column": 1}
    assert (second["picture"]["height"], second["picture"]["width"]) == (35, 35)
    assert client.get("/v1/tasks/ledger").json()["unit"] == "point"


def test_the_class_at_the_middle_labels_all(client):
    raster = np.array([[0, 0, 0], [0, 2, 255], [1, 1, 1]], np.uint8)
    task = client.get("/v1/tasks/q000-000001").json()
    answer = put(client, task, {"raster_png": png_of(raster)}).raise_for_status().json()
    assert answer["uncovered"] == 0
    [kept] = client.get("/v1/tasks/q000-000001/answers").json()["answers"]
    assert pixels_of(kept["raster_png"]).tolist() == [[2] * 3] * 3
    assert answer["task"]["state"] == "accepted"


def test_nothing_at_the_middle_is_no_answer_and_void_is_one(client):
    task = client.get("/v1/tasks/q000-000001").json()
    open_middle = np.array([[0, 0, 0], [0, 255, 0], [0, 0, 0]], np.uint8)
    refused = put(client, task, {"raster_png": png_of(open_middle)})
    assert refused.status_code == 422
    void = np.full((3, 3), 254, np.uint8)
    assert put(client, task, {"raster_png": png_of(void)}).json()["task"]["state"] == "accepted"


@pytest.mark.parametrize("variant", ["labelme", "label-studio", "cvat", "coco packed runs"])
def test_points_go_out_to_tools_and_come_back(store, variant, tmp_path, capsys):
    """A person draws all that is visible in the square: the class at its middle is its label."""
    run, out = store.location, tmp_path / "out"
    form = variant.split()[0]
    assert main(["tasks", run, "export", "--format", form, "--out", str(out)]) == 0
    assert [task.point for task in load_manifest(out).tasks] == [True, True]
    assert "ring" in (out / "README.txt").read_text()
    draw(out, variant, tmp_path / "answers")
    assert main(["tasks", run, "import", str(tmp_path / "answers"), "--who", "ann"]) == 0
    for state in LabelStore(store).states("query-000"):
        labels = state.accepted.labels()
        assert labels.shape == (3, 3)
        assert len(np.unique(labels)) == 1
    capsys.readouterr()
    assert main(["tasks", run]) == 0
    assert "left: 0 points, 0 images" in capsys.readouterr().out

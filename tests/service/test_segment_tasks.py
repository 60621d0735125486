"""Segments over HTTP and from the files of tools: is this its class?"""

import numpy as np
import pytest
from asked_run import asked_run
from fastapi.testclient import TestClient
from http_person import pixels_of, png_of, put

from raymeta.annotation.segment_answers import innermost_pixel, point_mask
from raymeta.cli import main
from raymeta.exchange import load_manifest
from raymeta.labels.label_store import LabelStore
from raymeta.service.http.app import create_app
from raymeta.service.scoring.local_backend import LocalBackend
from raymeta.service.settings import ServiceSettings

CAR = 1
BAR = np.zeros((8, 8), bool)
BAR[2:5, 1:8] = True
CORNER = np.zeros((8, 8), bool)
CORNER[4:, 4:] = True
BOXES = [("im1", 20, 30), ("im2", 0, 0)]


@pytest.fixture
def store(tmp_path):
    return asked_run(tmp_path, BOXES, segments={1: (BAR, CAR), 2: (CORNER, 2)})


@pytest.fixture
def client(store):
    settings = ServiceSettings(store.location, threads=1, access_log="/dev/null", local_person=True)
    return TestClient(create_app(settings, LocalBackend(settings)), base_url="http://127.0.0.1:8000")


def test_a_task_shows_its_segment_and_the_pixel_that_stands_for_it(client):
    task = client.get("/v1/tasks/q000-000001").json()
    segment = task["segment"]
    assert (segment["class_id"], segment["class_name"], segment["pixels"]) == (CAR, "car", 21)
    np.testing.assert_array_equal(pixels_of(segment["mask_png"]), BAR)
    assert sorted(map(tuple, segment["rings"][0])) == [(31, 22), (31, 25), (38, 22), (38, 25)]
    row, column = innermost_pixel(BAR)
    assert segment["point"] == {"row": 20 + row, "column": 30 + column}
    rows, columns = np.nonzero(point_mask(BAR, 3))  # point_width's default
    assert segment["point_region"] == {
        "top": 20 + rows.min(),
        "left": 30 + columns.min(),
        "height": np.ptp(rows) + 1,
        "width": np.ptp(columns) + 1,
    }
    assert (task["picture"]["height"], task["picture"]["width"]) == (48, 64)  # 32 pixels around it, as far as there are
    assert client.get("/v1/tasks/ledger").json()["unit"] == "segment"


@pytest.mark.parametrize(
    ("values", "clicks", "human"),
    [
        (np.where(BAR, CAR, 255), {"confirm": 1}, (0, 1)),
        (np.where(BAR, 0, 255), {"class": 1}, (1, 0)),
        (np.where(BAR, 254, 255), {"mixed": 1}, (1, 0)),
        (np.where(point_mask(BAR, 3), 2, 255), {"mixed": 1}, (1, 0)),
    ],
    ids=["confirmed", "fixed", "mixed", "named at its point"],
)
def test_an_answer_is_whole_whatever_it_leaves_open(client, store, values, clicks, human):
    task = client.get("/v1/tasks/q000-000001").json()
    answer = put(client, task, {"raster_png": png_of(values.astype(np.uint8)), "clicks": clicks}).json()
    assert (answer["task"]["state"], answer["uncovered"], answer["message"]) == ("accepted", 0, None)
    [state] = [each for each in LabelStore(store).states("query-000") if each.accepted]
    np.testing.assert_array_equal(state.accepted.labels(), np.where(values == 254, 255, values))
    assert (state.accepted.human_class, state.accepted.human_confirm) == human


def test_nothing_at_all_is_no_answer(client):
    task = client.get("/v1/tasks/q000-000001").json()
    assert put(client, task, {"raster_png": png_of(np.full((8, 8), 255, np.uint8))}).status_code == 422


@pytest.mark.parametrize("form", ["labelme", "label-studio", "cvat"])
def test_segments_go_out_to_tools_as_shapes_with_a_question(store, form, tmp_path):
    out = tmp_path / "out"
    assert main(["tasks", store.location, "export", "--format", form, "--out", str(out)]) == 0
    tasks = load_manifest(out).tasks
    assert [task.segment.predicted for task in tasks] == ["car", "sky"]
    assert [[each.label for each in task.prelabels] for task in tasks] == [["car"], ["sky"]]
    assert "is its class right?" in (out / "README.txt").read_text()


def test_files_that_dont_say_who_looked_answer_only_when_it_is_said(store, tmp_path, capsys):
    """CVAT lists every picture: one shape as it was, and one deleted, may be what nobody looked at."""
    out, run = tmp_path / "out", store.location
    assert main(["tasks", run, "export", "--format", "cvat", "--out", str(out)]) == 0
    text = (out / "annotations.xml").read_text()
    start = text.index("<polygon", text.index("q000-000002"))
    deleted = text[:start] + text[text.index("</polygon>", start) + len("</polygon>") :]
    (tmp_path / "back.xml").write_text(deleted)
    assert main(["tasks", run, "import", str(tmp_path / "back.xml"), "--who", "ann"]) == 0
    assert "2 as predicted and not taken" in capsys.readouterr().out
    again = ["tasks", run, "import", str(tmp_path / "back.xml"), "--who", "ann", "--confirm-unchanged"]
    assert main(again) == 0
    first, second = LabelStore(store).states("query-000")
    np.testing.assert_array_equal(first.accepted.labels(), np.where(BAR, CAR, 255))
    assert (second.accepted.labels() == 255).all()

"""Tasks and answers over HTTP, against the app itself; pixels are compared with the files."""

import uuid

import numpy as np
import pytest
from asked_run import asked_run
from fastapi.testclient import TestClient
from http_person import drawn, pixels_of, png_of, put, truth_in
from PIL import Image
from simulated_person import CLASSES, truth_of

from raymeta.exchange.outlines import find_outlines
from raymeta.labels.annotator_list import add_annotator
from raymeta.service.http.app import create_app
from raymeta.service.scoring.local_backend import LocalBackend
from raymeta.service.settings import ServiceSettings

BOXES = [("im1", 0, 0), ("im1", 8, 8), ("im2", 40, 56), ("im3", 16, 16), ("im4", 0, 8)]


class People:
    """A service and one client a person."""

    def __init__(self, folder, **more):
        self.store = asked_run(folder, BOXES, **more)
        path = folder / "people.yaml"
        tokens = {
            "ann": add_annotator(path, "ann", ["annotate"]),
            "ben": add_annotator(path, "ben", ["annotate"]),
            "eve": add_annotator(path, "eve", ["review"]),
        }
        settings = ServiceSettings(
            self.store.location, threads=1, access_log="/dev/null", annotators=str(path), max_body_bytes=3_000_000
        )
        app = create_app(settings, LocalBackend(settings))
        self.clients = {
            name: TestClient(app, headers={"Authorization": f"Bearer {token}"}) for name, token in tokens.items()
        }

    def __getitem__(self, name):
        return self.clients[name]


@pytest.fixture
def people(tmp_path):
    return People(tmp_path)


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory):
    """For requests that are refused."""
    return People(tmp_path_factory.mktemp("unchanged"))


def task_of(client, number):
    return client.get(f"/v1/tasks/q000-{number:06d}").json()


def test_a_picture_is_the_stored_pixels_and_tells_where_they_lie(people, tmp_path):
    ann = people["ann"]
    for number, (image, top, left) in enumerate(BOXES, start=1):
        stored = np.asarray(Image.open(tmp_path / f"data/images/train/{image}.png"))
        for margin in (0, 5, 1024):
            task = ann.get(f"/v1/tasks/q000-{number:06d}?margin={margin}").json()
            got = ann.get(f"/v1/tasks/q000-{number:06d}/picture?margin={margin}")
            frame = task["picture"]
            x, y = int(got.headers["X-Raymeta-Left"]), int(got.headers["X-Raymeta-Top"])
            assert (x, y) == (frame["left"], frame["top"]) == (max(0, left - margin), max(0, top - margin))
            part = stored[y : y + frame["height"], x : x + frame["width"]]
            np.testing.assert_array_equal(np.asarray(Image.open(got)), part)
            assert frame["box"] == {"left": left, "top": top, "right": left + 8, "bottom": top + 8}
            assert (frame["image_height"], frame["image_width"], task["scale"]) == (48, 64, 1)
    again = ann.get("/v1/tasks/q000-000001/picture", headers={"If-None-Match": got.headers["ETag"]})
    assert again.status_code == 200  # another picture
    same = ann.get("/v1/tasks/q000-000005/picture?margin=1024", headers={"If-None-Match": got.headers["ETag"]})
    assert same.status_code == 304


@pytest.mark.parametrize("keys", [", height: 24, width: 32", ", max_side: 32"])
def test_resized_data_sets_show_stored_pixels(tmp_path, keys):
    half = People(tmp_path / "half", more=keys)
    task = task_of(half["ann"], 2)
    assert task["scale"] == 0.5
    assert task["region"] == {"top": 8, "left": 8, "height": 8, "width": 8}
    assert task["picture"]["box"] == {"left": 16, "top": 16, "right": 32, "bottom": 32}
    shapes = [{"label": "car", "rings": [[[16, 16], [32, 16], [32, 32], [16, 32]]]}]
    shapes += [{"label": "sky", "rings": [[[20, 20], [24, 20], [24, 24], [20, 24]]]}]
    kept = put(half["ann"], task, {"shapes": shapes}).json()
    labels = pixels_of(half["ann"].get(f"/v1/tasks/{task['id']}/answers/{kept['answer_id']}").json()["raster_png"])
    expected = np.full((8, 8), 1, np.uint8)
    expected[2:4, 2:4] = 2
    np.testing.assert_array_equal(labels, expected)
    skewed = People(tmp_path / "skewed", more=", height: 48, width: 32")
    task = task_of(skewed["ann"], 2)
    assert (task["scale"], task["picture"]["image_width"]) == (1, 32)  # one scale for both sides, or none


def test_a_raster_and_outlines_along_pixel_edges_say_the_same(people):
    ann = people["ann"]
    task = task_of(ann, 2)
    truth = truth_in(task)
    left, top = task["region"]["left"], task["region"]["top"]
    outlines = find_outlines(truth, ignored=254)
    shapes = [
        {
            "label": "void" if outline.value == 255 else CLASSES[outline.value],
            "rings": [(ring + np.array([left, top])).tolist() for ring in outline.rings],
            "tool": "polygon",
        }
        for outline in outlines
    ]
    first = put(ann, task, {"shapes": shapes})
    assert (first.status_code, first.json()["task"]["state"]) == (201, "accepted")
    second = put(people["ben"], task, drawn(task)).json()
    assert (second["task"]["state"], second["agreement"]["equal"]) == ("accepted", 1)
    answers = people["eve"].get(f"/v1/tasks/{task['id']}/answers").json()["answers"]
    for answer in answers:
        np.testing.assert_array_equal(pixels_of(answer["raster_png"]), truth)
    assert answers[0]["shapes"][0]["tool"] == "polygon"
    assert answers[1]["clicks"] == {"vertex": 5, "class": 3}


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_canvas_writes_colours_and_they_are_read_back(people, mode):
    task = task_of(people["ann"], 1)
    raster = np.where(truth_in(task) == 255, 254, truth_in(task)).astype(np.uint8)
    png = png_of(np.asarray(Image.fromarray(raster).convert(mode)))
    assert put(people["ann"], task, {"raster_png": png}).json()["task"]["state"] == "accepted"


def colours():
    values = np.zeros((8, 8, 3), np.uint8)
    values[0, 0] = (1, 2, 1)
    return values


def holes():
    values = np.zeros((8, 8, 4), np.uint8)
    values[..., 3] = 254
    return values


SQUARE = [[0, 0], [9, 0], [9, 9], [0, 9]]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "no shapes: not answered"),
        ({"shapes": [{"label": "road", "rings": [[[30, 30], [40, 30], [40, 40]]]}]}, "no shapes: not answered"),
        ({"raster_png": png_of(np.full((8, 8), 255, np.uint8))}, "no shapes: not answered"),
        ({"raster_png": png_of(np.zeros((8, 9), np.uint8))}, "annotated at 9×8, the region has 8×8"),
        ({"raster_png": png_of(np.full((8, 8), 3, np.uint8))}, "holds 3"),
        ({"raster_png": png_of(colours())}, "colours or holes"),
        ({"raster_png": png_of(holes())}, "colours or holes"),
        ({"raster_png": png_of(np.zeros((8, 8), np.uint16))}, "mode I;16"),
        ({"raster_png": "AAAA"}, "base64 of a PNG: its bytes"),
        ({"raster_png": "%"}, "base64 of a PNG"),
        ({"raster_png": png_of(np.zeros((8, 8), np.uint8))[:40]}, "base64 of a PNG"),
        ({"shapes": [{"label": "Road", "rings": [SQUARE]}]}, "'Road' is neither a class of the run"),
        ({"shapes": [{"label": "road", "rings": []}]}, "rings"),
        ({"shapes": [{"label": "road", "rings": [SQUARE[:2]]}]}, "rings"),
        ({"shapes": [{"label": "road", "rings": [[[0, 0], [1e9, 0], [9, 9]]]}]}, "rings"),
        ({"undecidable": True, "clicks": {"vertex": -1}}, "clicks"),
        ({"undecidable": True, "clicks": {"Vertex!": 1}}, "clicks"),
        ({"undecidable": True, "active_seconds": -1}, "active_seconds"),
        ({"undecidable": True, "who": "ben"}, "who"),
        ({"undecidable": True, "raster_png": png_of(np.zeros((8, 8), np.uint8))}, "raster_png beside undecidable"),
        ({"undecidable": True, "shapes": [{"label": "road", "rings": [SQUARE]}]}, "shapes beside undecidable"),
    ],
)
def test_bodies_that_cant_be_an_answer_are_refused(unchanged, body, words):
    task = task_of(unchanged["ann"], 1)
    refused = put(unchanged["ann"], task, body)
    assert refused.status_code == 422
    assert words in refused.json()["detail"]
    assert task_of(unchanged["ann"], 1)["answers"] == 0


@pytest.mark.parametrize("text", ['{"undecidable": true, "active_seconds": NaN}', "[1", "[]", "[" * 10**5, b"\xff"])
def test_json_that_is_none_is_refused(unchanged, text):
    headers = {"Content-Type": "application/json"}
    path = f"/v1/tasks/q000-000001/answers/{uuid.uuid4()}"
    for where in (path, "/v1/tasks/q000-000001/draft"):
        assert unchanged["ann"].put(where, content=text, headers=headers).status_code == 422


def test_ids_that_are_none_are_refused(unchanged):
    ann, body = unchanged["ann"], {"undecidable": True}
    assert ann.put("/v1/tasks/q000-000001/answers/1", json=body).status_code == 422
    assert ann.put("/v1/tasks/q000-000001/answers/..%2Fx", json=body).status_code in (404, 422)
    assert ann.put(f"/v1/tasks/q000-000009/answers/{uuid.uuid4()}", json=body).status_code == 404
    assert ann.get("/v1/tasks/..%2F..%2Frun.json").status_code == 404
    assert ann.get("/v1/tasks/q000-000001/answers/" + "0" * 32).status_code == 404
    for part in ("picture", "prelabels", "surroundings"):
        assert ann.get(f"/v1/tasks/x/{part}").status_code == 404


def test_an_answer_put_twice_counts_once(people):
    task, name = task_of(people["ann"], 1), str(uuid.uuid4())
    assert put(people["ann"], task, drawn(task), name).status_code == 201
    again = put(people["ann"], task, drawn(task), name.upper())
    assert (again.status_code, again.json()["new"], again.json()["task"]["answers"]) == (200, False, 1)
    assert put(people["ann"], task, {"undecidable": True}, name).status_code == 409
    assert put(people["ben"], task, drawn(task), name).status_code == 409


def test_void_is_said_and_uncovered_is_not(people):
    ann = people["ann"]
    raster = np.zeros((8, 8), np.uint8)
    raster[:4] = 254
    kept = put(ann, task_of(ann, 1), {"raster_png": png_of(raster)}).json()
    assert (kept["task"]["state"], kept["uncovered"]) == ("accepted", 0)
    raster[:4] = 255
    kept = put(ann, task_of(ann, 2), {"raster_png": png_of(raster)}).json()
    assert (kept["task"]["state"], kept["uncovered"]) == ("annotated", 32)
    assert "partial" in kept["message"]
    kept = put(ann, task_of(ann, 3), {"raster_png": png_of(raster), "uncovered": "void"}).json()
    assert (kept["task"]["state"], kept["uncovered"]) == ("accepted", 0)
    kept = put(ann, task_of(ann, 4), {"undecidable": True, "clicks": {}}).json()
    assert kept["task"]["state"] == "void"


def test_what_is_accepted_around_a_box_is_shown(people):
    ann = people["ann"]
    around = ann.get("/v1/tasks/q000-000002/surroundings?margin=8").json()
    assert (around["top"], around["left"], around["height"], around["width"]) == (0, 0, 24, 24)
    assert (pixels_of(around["raster_png"]) == 255).all()
    task = task_of(ann, 1)
    put(ann, task, drawn(task))
    people["ann"].app.state.service.task_reader._known = (float("-inf"), None)  # seconds later
    labels = pixels_of(ann.get("/v1/tasks/q000-000002/surroundings?margin=8").json()["raster_png"])
    expected = np.full((24, 24), 255, np.uint8)
    expected[:8, :8] = truth_of("im1")[:8, :8]
    np.testing.assert_array_equal(labels, expected)


def test_a_draft_is_one_persons_and_ends_with_the_answer(people):
    ann, ben = people["ann"], people["ben"]
    content = {"strokes": [1, 2.5, None], "text": "ä"}
    assert ann.put("/v1/tasks/q000-000001/draft", json={"draft": content}).status_code == 200
    task = task_of(ann, 1)
    assert (task["draft"], task["start"]) == (content, {"from": "draft", "answer_id": None})
    assert task_of(ben, 1)["draft"] is None
    assert ann.put("/v1/tasks/q000-000001/draft", json={"draft": {"x": "y" * 2_200_000}}).status_code == 413
    put(ann, task, drawn(task))
    assert task_of(ann, 1)["draft"] is None
    ben.put("/v1/tasks/q000-000001/draft", json={"draft": {}})
    assert ben.delete("/v1/tasks/q000-000001/draft").status_code == 204
    assert task_of(ben, 1)["draft_time"] is None


def test_two_people_who_differ_are_compared_and_a_reviewer_decides(people):
    ann, ben, eve = people["ann"], people["ben"], people["eve"]
    task = task_of(ann, 1)
    other = drawn(task) | {"raster_png": png_of(np.zeros((8, 8), np.uint8))}
    first = put(ann, task, drawn(task)).json()
    second = put(ben, task, other).json()
    assert (second["task"]["state"], second["new"]) == ("conflict", True)
    assert "kept for comparison" in second["message"]
    view = eve.get(f"/v1/tasks/{task['id']}/answers").json()
    assert [answer["who"] for answer in view["answers"]] == ["ann", "ben"]
    truth = truth_in(task)
    known = truth != 255
    assert view["agreement"][0]["pixels"] == known.sum()
    assert view["agreement"][0]["equal"] == pytest.approx((truth[known] == 0).mean())
    assert [answer["who"] for answer in ann.get(f"/v1/tasks/{task['id']}/answers").json()["answers"]] == ["ann"]
    assert ann.get(f"/v1/tasks/{task['id']}/answers/{second['answer_id']}").status_code == 404
    accept = f"/v1/tasks/{task['id']}/accept"
    half_seen = {"answer_id": first["answer_id"], "seen": [first["answer_id"]]}
    assert eve.post(accept, json=half_seen).status_code == 409
    seen = half_seen | {"seen": [first["answer_id"], second["answer_id"]]}
    assert eve.post(accept, json=seen).json()["who"] == "ann"
    listed = eve.get("/v1/tasks?state=accepted&state=conflict").json()
    assert [(row["id"], row["state"]) for row in listed["tasks"]] == [(task["id"], "accepted")]


def test_a_returned_answer_is_what_the_next_person_begins_with(people):
    ann, ben, eve = people["ann"], people["ben"], people["eve"]
    task = task_of(ann, 1)
    name = put(ann, task, drawn(task)).json()["answer_id"]
    row = eve.post(f"/v1/tasks/{task['id']}/return", json={"reason": "the kerb"}).json()
    assert (row["state"], row["note"], row["accepted_answer"]) == ("proposed", "the kerb", None)
    assert eve.post(f"/v1/tasks/{task['id']}/return", json={"reason": " "}).status_code == 422
    task = task_of(ben, 1)
    assert task["start"] == {"from": "answer", "answer_id": name}
    assert ben.get(f"/v1/tasks/{task['id']}/answers/{name}").status_code == 200
    assert not task["earlier"][0]["live"]


def test_progress_counts_people_and_time(people):
    ann = people["ann"]
    for number in (1, 2):
        task = task_of(ann, number)
        put(ann, task, drawn(task, active_seconds=10.0 * number))
    ann.post("/v1/tasks/lease", json={"count": 1})
    found = ann.get("/v1/tasks/progress").json()
    (query,) = found["sets"]
    assert (query["tasks"], query["answered"], query["open"], query["leased"]) == (5, 2, 3, 1)
    assert (query["median_seconds"], found["seconds_left"]) == (15, 45)
    assert found["people"] == [{"who": "ann", "answers": 2, "seconds": 30, "clicks": {"vertex": 10, "class": 6}}]


def test_the_ledger_counts_clicks_and_hours(people):
    ann = people["ann"]
    for number in (1, 2):
        task = task_of(ann, number)
        put(ann, task, drawn(task, active_seconds=10.0 * number))
    found = ann.get("/v1/tasks/ledger").json()
    (page,) = found["tools"]
    assert (page["boxes"], page["clicks"], page["seconds"]) == (2, 5 + 3, 15)
    assert page["hours"] == found["hours"] == pytest.approx(30 / 3600)
    assert (found["open_boxes"], found["open_images"], found["prices"]) == (3, 0, None)
    assert found["hours_left"] == pytest.approx((3 + found["coming_boxes"]) * 15 / 3600)


def test_lists_are_filtered_and_paged(people):
    ann = people["ann"]
    assert ann.get("/v1/tasks?image_id=im1").json()["total"] == 2
    page = ann.get("/v1/tasks?limit=2&offset=3").json()
    assert (page["total"], [row["rank"] for row in page["tasks"]]) == (5, [4, 5])
    assert page["tasks"][0]["estimated_clicks"] == 7
    assert ann.get("/v1/tasks?set=initial").json()["total"] == 0
    assert ann.get("/v1/tasks?state=done").status_code == 422
    assert ann.get("/v1/tasks?limits=2").status_code == 422


def test_leases_over_http(people):
    ann, ben = people["ann"], people["ben"]
    held = ann.post("/v1/tasks/lease", json={"count": 2}).json()
    assert [task["rank"] for task in held["tasks"]] == [1, 2]
    assert held["tasks"][0]["lease"]["yours"]
    assert ben.get("/v1/tasks/q000-000001").json()["lease"] == held["tasks"][0]["lease"] | {"yours": False}
    assert ben.post("/v1/tasks/lease", json={"task": "q000-000001"}).status_code == 409
    assert ben.post("/v1/tasks/q000-000001/release", json={}).status_code == 403
    kept = ann.post("/v1/tasks/lease/renew", json={"tasks": ["q000-000001", "q000-000003"]}).json()
    assert [lease["id"] for lease in kept["kept"]] == ["q000-000001", "q000-000003"]  # the third was free
    assert ann.post("/v1/tasks/q000-000001/release", json={}).json()["lease"] is None
    skipped = ann.post("/v1/tasks/q000-000002/skip", json={"reason": "dark"}).json()
    assert (skipped["state"], skipped["note"]) == ("proposed", "dark")
    for body in ({"count": 0}, {"count": 11}, {"counts": 1}, {"task": "x" * 400}):
        assert ann.post("/v1/tasks/lease", json=body).status_code == 422


def test_a_simulated_run_asks_nobody(tmp_path):
    client = People(tmp_path, oracle="{kind: simulated}")["ann"]
    me = client.get("/v1/tasks/me").json()
    assert not me["may_write"]
    assert "simulated" in me["reason"]
    assert client.post("/v1/tasks/lease", json={}).json()["tasks"] == []

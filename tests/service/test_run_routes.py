"""What the run is and asks for: read from its folder, hand-checked against its tables."""

import csv
import io
import json

import cv2
import numpy as np
import pytest

from raymeta.schemas import IMAGE_ID


@pytest.fixture(scope="module")
def tables(run):
    folder = run.store.iteration(1)
    return {name: folder.read_table(f"{name}.parquet").to_pylist() for name in ("images", "query")}


def test_model_tells_what_can_be_asked(client, run):
    model = client.get("/v1/model").json()
    assert model["iteration"] == 1
    assert model["strategies"] == ["random_box", "entropy_box", "entropy_box_plus", "metabox", "metabox_plus"]
    assert model["maps"] == ["joint", "metaseg", "clicks", "entropy", "predicted_iou", "segmentation"]
    assert (model["height"], model["width"], model["box_width"]) == (48, 64, 8)
    assert (model["finished"], model["planned_iterations"]) == (False, 3)
    colours = [tuple(bytes.fromhex(entry["color"][1:])) for entry in model["classes"]]
    assert colours == [tuple(row) for row in run.dataset.palette.tolist()]
    assert [entry["name"] for entry in model["classes"]] == list(run.dataset.class_names)


def test_iterations_are_the_summaries(client):
    answer = client.get("/v1/iterations").json()
    assert (answer["strategy"], answer["planned"], answer["full_set_miou"]) == ("metabox_plus", 3, None)
    assert [row["iteration"] for row in answer["iterations"]] == [0, 1]
    assert [row["miou"] for row in answer["iterations"]] == [0.1, 0.2]
    assert answer["iterations"][1]["class_iou"][:3] == [0.5, None, 0.0]


def test_status_tells_whether_a_process_works_on_the_run(client, run, monkeypatch):
    monkeypatch.setattr("raymeta.service.http.run_reader.STATUS_AGE_S", 0)
    stopped = client.get("/v1/status").json()
    assert (stopped["state"], stopped["stage"]) == ("stopped", "train")
    assert (stopped["iteration"], stopped["iterations"], stopped["miou"]) == (2, 3, 0.2)
    assert stopped["seconds"]["train"] == 1.0
    with run.store.lock():
        assert client.get("/v1/status").json() == stopped | {"state": "running"}
    assert client.get("/v1/status").json() == stopped


def test_pool_is_sorted_by_score_and_images_that_are_not_queried_come_last(client, run, tables):
    answer = client.get("/v1/pool").json()
    assert answer["total"] == 6
    by_score = sorted(tables["images"], key=lambda row: -row["best_score"])
    ids = [image["image_id"] for image in answer["images"]]
    assert ids[:3] == [row[IMAGE_ID] for row in by_score]
    assert ids[3:] == sorted(run.split.initial + run.split.meta)
    assert [image["split"] for image in answer["images"][:3]] == ["pool"] * 3
    queried = [row[IMAGE_ID] for row in tables["query"]]
    assert [image["query_boxes"] for image in answer["images"]] == [queried.count(i) for i in ids]
    first = answer["images"][0]
    for name in ("best_score", "mean_entropy", "estimated_clicks", "unlabelled_pixels", "candidates", "error"):
        assert first[name] == by_score[0][name]


@pytest.mark.parametrize(
    ("sort", "column"), [("entropy", "mean_entropy"), ("predicted_iou", "mean_predicted_iou"), ("clicks", None)]
)
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pool_sorts_by_any_figure_in_both_directions(client, sort, column, order):
    images = client.get("/v1/pool", params={"sort": sort, "order": order}).json()["images"]
    values = [image[column or "estimated_clicks"] for image in images]
    known = [value for value in values if value is not None]
    assert len(known) == 3
    assert values == sorted(known, reverse=order == "desc") + [None] * 3


def test_pool_pages_and_search(client, run):
    ids = sorted(run.split.pool)
    answer = client.get("/v1/pool", params={"sort": "image_id", "order": "asc", "limit": 2, "offset": 3}).json()
    assert [image["image_id"] for image in answer["images"]] == ids[3:5]
    assert client.get("/v1/pool", params={"offset": 6}).json() == {"total": 6, "images": []}
    found = client.get("/v1/pool", params={"search": ids[4][-3:].upper()}).json()
    assert [image["image_id"] for image in found["images"]] == [i for i in ids if ids[4][-3:] in i]


def test_one_image_names_its_labelled_and_queried_boxes(client, run, tables):
    image_id = tables["query"][0][IMAGE_ID]
    answer = client.get(f"/v1/pool/{image_id}").json()
    assert (answer["height"], answer["width"], answer["split"], answer["wholly_labelled"]) == (48, 64, "pool", False)
    own = [row for row in tables["query"] if row[IMAGE_ID] == image_id]
    assert answer["query"] == [{name: row[name] for name in answer["query"][0]} for row in own]
    before = run.store.iteration(0).read_table("annotation.parquet").to_pylist()
    boxes = [row for row in before if row[IMAGE_ID] == image_id]
    assert answer["labelled"] == [
        {"top": row["top"], "left": row["left"], "width": row["width"], "iteration": 0} for row in boxes
    ]
    assert client.get(f"/v1/pool/{image_id}?iteration=0").json()["labelled"] == []
    assert client.get(f"/v1/pool/{run.split.initial[0]}").json()["wholly_labelled"]


def test_image_and_thumbnail(client, run):
    image_id = run.split.unlabelled[0]
    png = client.get(f"/v1/pool/{image_id}/image")
    decoded = cv2.imdecode(np.frombuffer(png.content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(decoded, run.dataset.image(image_id))
    small = client.get(f"/v1/pool/{image_id}/image?max_side=32")
    assert cv2.imdecode(np.frombuffer(small.content, np.uint8), cv2.IMREAD_COLOR).shape == (24, 32, 3)
    same = client.get(f"/v1/pool/{image_id}/image?max_side=2000")
    assert same.content == png.content


def test_pool_maps_are_zero_where_the_run_has_labelled(client, run):
    annotated = run.store.iteration(0).read_table("annotation.parquet").to_pylist()[0]
    path = f"/v1/pool/{annotated[IMAGE_ID]}"
    answer = client.get(f"{path}/map?map=metaseg&format=npz")
    values = np.load(io.BytesIO(answer.content))["map"]
    rows = slice(annotated["top"], annotated["top"] + 8)
    columns = slice(annotated["left"], annotated["left"] + 8)
    assert not values[rows, columns].any()
    assert values.any()


def test_pool_boxes_are_the_candidates_of_the_run(client, tables):
    query = tables["query"]
    image_id = query[0][IMAGE_ID]
    boxes = client.get(f"/v1/pool/{image_id}/boxes?k=50").json()["boxes"]
    own = [row for row in query if row[IMAGE_ID] == image_id]
    names = ("top", "left", "width", "score", "estimated_clicks", "unlabelled_pixels")
    assert [[box[n] for n in names] for box in boxes[: len(own)]] == [[row[n] for n in names] for row in own]


def test_true_clicks_can_be_had_for_pool_images(client, run):
    path = f"/v1/pool/{run.split.unlabelled[0]}/boxes"
    assert client.get(path, params={"strategy": "metabox_plus_star"}).status_code == 422
    answer = client.get(path, params={"strategy": "metabox_plus_star", "clicks_priority": "paper"})
    assert answer.status_code == 200, answer.text


def test_query_in_three_formats(client, tables):
    rows = tables["query"]
    answer = client.get("/v1/query").json()
    assert (answer["iteration"], answer["total"]) == (1, len(rows))
    assert answer["boxes"] == [{name: row.get(name) for name in answer["boxes"][0]} for row in rows]
    text = client.get("/v1/query?format=csv").text
    read = list(csv.DictReader(io.StringIO(text)))
    assert [(row["image_id"], int(row["top"]), float(row["score"])) for row in read] == [
        (row[IMAGE_ID], row["top"], row["score"]) for row in rows
    ]
    collection = json.loads(client.get("/v1/query?format=geojson").text)
    ring = collection["features"][0]["geometry"]["coordinates"][0]
    left, top = rows[0]["left"], rows[0]["top"]
    assert ring == [[left, top], [left + 8, top], [left + 8, top + 8], [left, top + 8], [left, top]]
    one = client.get("/v1/query", params={"image_id": rows[0][IMAGE_ID]}).json()
    assert {box["image_id"] for box in one["boxes"]} == {rows[0][IMAGE_ID]}


def test_every_answer_names_its_iteration_and_is_not_sent_twice(client, run):
    image_id = run.split.unlabelled[0]
    paths = ["model", "iterations", "pool", "query", f"pool/{image_id}", f"pool/{image_id}/image"]
    for path in [*paths, f"pool/{image_id}/map", f"pool/{image_id}/boxes"]:
        for parameters, iteration in (({}, "1"), ({"iteration": 0}, "0")):
            answer = client.get(f"/v1/{path}", params=parameters)
            assert answer.headers["X-Raymeta-Iteration"] == iteration, path
            again = client.get(f"/v1/{path}", params=parameters, headers={"If-None-Match": answer.headers["ETag"]})
            assert (again.status_code, again.content) == (304, b"")
            other = client.get(f"/v1/{path}", params=parameters, headers={"If-None-Match": '"other"'})
            assert other.content == answer.content


def test_probes(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["iteration"], ready.json()["replicas"][0]["refused"]) == (200, 1, {})

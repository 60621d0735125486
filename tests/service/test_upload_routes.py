"""Uploaded images: what comes back is what score_image gives."""

import io

import cv2
import httpx
import numpy as np
import pytest
import torch
from PIL import Image

from raymeta.acquisition.pool_scoring import score_image
from raymeta.datasets.image_files import decode_image
from raymeta.loop.image_scorer import ImageScorer
from raymeta.loop.iteration_bundle import read_bundle
from raymeta.metaseg.segment_metrics import segment_metrics
from raymeta.service.scoring.scoring_request import MAP_NAMES

PNG = {"Content-Type": "image/png"}


@pytest.fixture(scope="module")
def scorer(run):
    return ImageScorer(run.config, run.dataset, read_bundle(run.store, 1), torch.device("cpu"))


def expected_score(scorer, pixels, labelled=None, **changed):
    values = {"strategy": "metabox_plus", "box_width": 8, "clicks_max": 9, "clicks_priority": "normalized"} | changed
    return score_image(
        scorer.softmax(pixels),
        seed=0,
        iteration=1,
        image_id="any",
        regressor=scorer.regressor,
        labelled_mask=labelled,
        keep_maps=True,
        **values,
    )


def load(response: httpx.Response):
    assert response.status_code == 200, response.text
    return np.load(io.BytesIO(response.content), allow_pickle=False)


@pytest.mark.parametrize("name", MAP_NAMES)
def test_maps_equal_score_image(client, scorer, pixels, png, name):
    answer = load(client.post("/v1/priority-map", params={"map": name, "format": "npz"}, content=png, headers=PNG))
    expected = expected_score(scorer, pixels).maps[name]
    assert answer["map"].dtype == (np.uint8 if name == "segmentation" else np.float32)
    np.testing.assert_array_equal(answer["map"], expected.astype(answer["map"].dtype))
    assert (int(answer["iteration"]), str(answer["strategy"]), int(answer["box_width"])) == (1, "metabox_plus", 8)


@pytest.mark.parametrize("name", MAP_NAMES)
def test_json_holds_the_same_values(client, png, name):
    parameters = {"map": name, "format": "npz"}
    values = load(client.post("/v1/priority-map", params=parameters, content=png, headers=PNG))["map"]
    answer = client.post("/v1/priority-map", params=parameters | {"format": "json"}, content=png, headers=PNG).json()
    np.testing.assert_array_equal(np.array(answer["map"], dtype=values.dtype), values)
    assert answer["name"] == name


def test_grey_png_is_the_map_scaled_to_a_byte(client, scorer, pixels, png):
    response = client.post("/v1/priority-map", params={"map": "joint"}, content=png, headers=PNG)
    joint = expected_score(scorer, pixels).maps["joint"]
    scale = float(response.headers["X-Raymeta-Scale"])
    assert scale == pytest.approx(joint.max())
    grey = cv2.imdecode(np.frombuffer(response.content, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(grey, np.rint(joint * (255 / joint.max())).astype(np.uint8))
    assert grey.shape == (40 - 8 + 1, 56 - 8 + 1)


def test_segmentation_png_has_class_colours(client, run, scorer, pixels, png):
    response = client.post("/v1/priority-map", params={"map": "segmentation"}, content=png, headers=PNG)
    drawn = np.array(Image.open(io.BytesIO(response.content)).convert("RGB"))
    np.testing.assert_array_equal(drawn, run.dataset.palette[expected_score(scorer, pixels).maps["segmentation"]])


@pytest.mark.parametrize("name", MAP_NAMES)
def test_overlay_has_the_image_size_and_still_shows_it(client, pixels, png, name):
    response = client.post("/v1/priority-map", params={"map": name, "format": "overlay"}, content=png, headers=PNG)
    drawn = decode_image(response.content, "overlay")
    assert drawn.shape == pixels.shape
    assert np.corrcoef(drawn.ravel(), pixels.ravel())[0, 1] > 0.2


def test_multipart_and_jpeg_give_the_same_as_raw_png(client, scorer, pixels, png):
    raw = client.post("/v1/boxes", content=png, headers=PNG)
    parts = client.post("/v1/boxes", files={"image": ("street.png", png, "image/png")})
    assert raw.json() == parts.json()
    jpeg = bytes(cv2.imencode(".jpg", pixels[..., ::-1])[1])
    answer = load(
        client.post(
            "/v1/priority-map",
            params={"format": "npz", "map": "entropy"},
            content=jpeg,
            headers={"Content-Type": "image/jpeg"},
        )
    )
    decoded = decode_image(jpeg, "jpeg")
    np.testing.assert_array_equal(answer["map"], expected_score(scorer, decoded).maps["entropy"])


def test_boxes_equal_score_image_and_leave_labelled_pixels_out(client, scorer, pixels, png):
    labelled = np.zeros(pixels.shape[:2], dtype=bool)
    labelled[:, :30] = True
    mask = bytes(cv2.imencode(".png", labelled * np.uint8(255))[1])
    for sent, given in ((None, None), (mask, labelled)):
        files = {"image": png} if sent is None else {"image": png, "labelled_mask": sent}
        answer = client.post("/v1/boxes", params={"k": 7}, files=files).json()
        table = expected_score(scorer, pixels, given, query_size=7).candidates
        assert [box["rank"] for box in answer["boxes"]] == list(range(1, table.num_rows + 1))
        for name in ("top", "left", "score", "estimated_clicks", "unlabelled_pixels"):
            assert [box[name] for box in answer["boxes"]] == table[name].to_pylist()
    assert all(box["unlabelled_pixels"] == 64 for box in answer["boxes"][:3])


def test_strategy_and_box_width_can_be_chosen(client, scorer, pixels, png):
    parameters = {"strategy": "entropy_box_plus", "box_width": 12, "clicks_priority": "paper", "k": 5}
    answer = client.post("/v1/boxes", params=parameters, content=png, headers=PNG).json()
    chosen = {name: parameters[name] for name in ("strategy", "box_width", "clicks_priority")}
    table = expected_score(scorer, pixels, query_size=5, clicks_max=None, **{k: chosen[k] for k in chosen}).candidates
    assert [box["score"] for box in answer["boxes"]] == table["score"].to_pylist()
    assert (answer["strategy"], answer["box_width"], answer["clicks_priority"]) == tuple(chosen.values())


def test_segments_carry_metrics_predicted_iou_and_polygons_that_paint_them(client, run, scorer, pixels, png):
    answer = client.post("/v1/segments", content=png, headers=PNG).json()
    segments, table = segment_metrics(scorer.softmax(pixels))
    assert answer["total"] == segments.count == len(answer["segments"])
    np.testing.assert_allclose([s["predicted_iou"] for s in answer["segments"]], scorer.regressor.predict(table))
    for row, segment in zip(table.to_pylist(), answer["segments"], strict=True):
        assert row.items() <= segment.items()
        assert segment["class_name"] == run.dataset.class_names[segment["class_id"]]
        painted = np.zeros(pixels.shape[:2], dtype=np.uint8)
        cv2.fillPoly(painted, [np.array(ring, dtype=np.int32) for ring in segment["polygon"]], 1)
        np.testing.assert_array_equal(painted == 1, segments.segment_map == segment["segment_id"])


def test_largest_segments_are_kept(client, png):
    every = client.post("/v1/segments", content=png, headers=PNG).json()["segments"]
    sizes = sorted((segment["size"] for segment in every), reverse=True)
    few = client.post("/v1/segments", params={"limit": 2}, content=png, headers=PNG).json()
    assert sorted((segment["size"] for segment in few["segments"]), reverse=True) == sizes[:2]
    large = client.post("/v1/segments", params={"min_size": sizes[0]}, content=png, headers=PNG).json()["segments"]
    assert {segment["size"] for segment in large} == {sizes[0]}


def test_an_older_iteration_answers_as_itself(client, run, pixels, png):
    parameters = {"map": "entropy", "format": "npz"}
    old = client.post("/v1/priority-map", params=parameters | {"iteration": 0}, content=png, headers=PNG)
    new = client.post("/v1/priority-map", params=parameters, content=png, headers=PNG)
    assert (old.headers["X-Raymeta-Iteration"], new.headers["X-Raymeta-Iteration"]) == ("0", "1")
    assert old.headers["ETag"].startswith('"0-')
    scorer = ImageScorer(run.config, run.dataset, read_bundle(run.store, 0), torch.device("cpu"))
    np.testing.assert_array_equal(load(old)["map"], expected_score(scorer, pixels).maps["entropy"])
    assert not np.array_equal(load(old)["map"], load(new)["map"])


def test_a_cached_answer_is_the_same_answer(client, png):
    first, second = (client.post("/v1/priority-map", content=png, headers=PNG) for _ in range(2))
    assert first.content == second.content
    assert first.headers["ETag"] == second.headers["ETag"]

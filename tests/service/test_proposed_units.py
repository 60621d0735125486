"""Proposals for an image in a run that asks for points, segments or superpixels: what the run itself would ask."""

import cv2
import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from tiny_runs import TinyRun

from raymeta.boxes import unpack_mask
from raymeta.client import _box
from raymeta.loop.image_scorer import ImageScorer
from raymeta.loop.iteration_bundle import read_bundle
from raymeta.loop.query_choice import query_table
from raymeta.service.http.app import create_app
from raymeta.service.scoring.local_backend import LocalBackend
from raymeta.service.settings import ServiceSettings

PNG = {"Content-Type": "image/png"}
FIELDS = ("rank", "top", "left", "width", "score", "estimated_clicks", "unlabelled_pixels")


@pytest.fixture(scope="module", params=["point", "segment", "superpixel"])
def tiny(request, tmp_path_factory):
    run = TinyRun(tmp_path_factory.mktemp(request.param), f"random_{request.param}s")
    run.commit(0)
    return run


@pytest.fixture(scope="module")
def client(tiny):
    settings = ServiceSettings(tiny.location, threads=1, access_log="/dev/null")
    with TestClient(create_app(settings, LocalBackend(settings))) as client:
        yield client


@pytest.fixture(scope="module")
def answer(client, png):
    return client.post("/v1/boxes", params={"k": 5}, content=png, headers=PNG).json()


@pytest.fixture(scope="module")
def expected(tiny, answer, pixels, png):
    """What the run's own scorer would ask of the image; its noise is keyed by the image's name."""
    import hashlib

    scorer = ImageScorer(tiny.config, tiny.dataset, read_bundle(tiny.store, 0), torch.device("cpu"))
    name = f"upload:{hashlib.sha256(png).hexdigest()}"
    candidates = scorer.score_softmax(scorer.softmax(pixels), name, image=pixels).candidates.slice(0, 5)
    acquisition = tiny.config.acquisition
    return query_table(candidates, acquisition.box_width, acquisition.asked_width).to_pylist()


def test_an_upload_is_answered_with_what_the_run_would_ask(tiny, answer, expected):
    assert answer["unit"] == tiny.config.acquisition.unit
    assert len(answer["boxes"]) == 5
    assert [[row[name] for name in FIELDS] for row in answer["boxes"]] == [
        [row[name] for name in FIELDS] for row in expected
    ]


def test_a_part_comes_with_its_class_and_outline(tiny, answer, expected, pixels):
    if tiny.config.acquisition.unit == "point":
        assert {row["width"] for row in answer["boxes"]} == {3}
        assert not any("polygon" in row for row in answer["boxes"])
        return
    for row, asked in zip(answer["boxes"], expected, strict=True):
        mask = np.zeros(pixels.shape[:2], bool)
        tile = slice(row["top"], row["top"] + 8), slice(row["left"], row["left"] + 8)
        mask[tile] = unpack_mask(asked["segment"], 8)
        painted = cv2.fillPoly(mask.astype(np.uint8) * 0, [np.array(ring) for ring in row["polygon"]], 1)
        np.testing.assert_array_equal(painted, mask)
        assert row["unlabelled_pixels"] == mask.sum() == painted.sum()
        assert row["predicted_class"] == asked["predicted_class"]
        assert row["class_name"] == tiny.dataset.class_names[row["predicted_class"]]
        served = _box(row)
        assert (served.class_name, len(served.rings)) == (row["class_name"], len(row["polygon"]))


def test_a_pool_image_is_answered_with_the_query(tiny, client):
    query = tiny.store.iteration(0).read_table("query.parquet").to_pylist()
    own = [row for row in query if row["image_id"] == query[0]["image_id"]]
    boxes = client.get(f"/v1/pool/{query[0]['image_id']}/boxes", params={"k": 100}).json()["boxes"]
    margin = (8 - boxes[0]["width"]) // 2  # this run's query names the boxes around points
    assert [(box["top"] - margin, box["left"] - margin) for box in boxes[: len(own)]] == [
        (row["top"], row["left"]) for row in own
    ]


def test_a_named_strategy_proposes_boxes(client, png):
    parameters = {"k": 3, "strategy": "entropy_box"}
    answer = client.post("/v1/boxes", params=parameters, content=png, headers=PNG).json()
    assert answer["unit"] == "box"
    assert {row["width"] for row in answer["boxes"]} == {8}
    assert not any("polygon" in row for row in answer["boxes"])


def test_what_a_mask_labels_is_not_proposed(client, png, pixels):
    mask = np.zeros(pixels.shape[:2], np.uint8)
    mask[:, 24:] = 255
    files = {"image": ("a.png", png, "image/png"), "labelled_mask": ("m.png", cv2.imencode(".png", mask)[1].tobytes())}
    for row in client.post("/v1/boxes", params={"k": 100}, files=files).json()["boxes"]:
        if "polygon" in row:
            assert max(x for ring in row["polygon"] for x, _ in ring) < 24
        else:
            assert row["left"] < 24

"""The client against the real service: arrays and records."""

import cv2
import numpy as np
import pytest

from raymeta.client import Client, ServiceError


@pytest.fixture(scope="module")
def typed(url):
    with Client(url, deadline_s=20) as client:
        yield client


def test_maps_and_boxes(typed, png, pixels, run):
    joint = typed.priority_map(png)
    assert (joint.name, joint.values.shape, joint.values.dtype) == ("joint", (33, 49), np.float32)
    assert (joint.iteration, joint.strategy, joint.box_width) == (1, "metabox_plus", 8)
    boxes = typed.boxes(png, k=3)
    assert [box.rank for box in boxes.boxes] == [1, 2, 3]
    assert boxes.boxes[0].score == pytest.approx(float(joint.values.max()))
    labelled = np.full(pixels.shape[:2], 255, dtype=np.uint8)
    assert typed.boxes(png, labelled_mask=bytes(cv2.imencode(".png", labelled)[1])).boxes == ()
    old = typed.priority_map(png, map="segmentation", iteration=0)
    assert (old.iteration, old.values.dtype, old.values.shape) == (0, np.uint8, pixels.shape[:2])
    assert typed.drawn_map(png, "entropy", "overlay").startswith(b"\x89PNG")


def test_segments(typed, png, pixels):
    found = typed.segments(png)
    assert found.total == len(found.segments)
    assert sum(segment.size for segment in found.segments) == pixels.shape[0] * pixels.shape[1]
    assert found.segments[0].rings[0].shape[1] == 2
    assert "entropy_boundary" in found.segments[0].metrics


def test_the_run(typed, run):
    assert typed.model()["iteration"] == 1
    assert typed.model(iteration=0)["iteration"] == 0
    assert len(typed.iterations()["iterations"]) == 2
    image_id = typed.pool(limit=1)["images"][0]["image_id"]
    assert typed.pool_map(image_id, "metaseg").values.shape == (48, 64)
    assert [row["rank"] for row in typed.query()] == list(range(1, len(typed.query()) + 1))
    own = typed.query(image_id)
    assert own[0]["score"] == typed.pool_boxes(image_id, k=1).boxes[0].score
    with pytest.raises(ServiceError, match="isn't in the pool"):
        typed.pool_map("../run.json")

"""Bad requests get one clear message and a 4xx; none ends in a 5xx."""

import io
import struct
import zlib
from dataclasses import replace

import httpx
import numpy as np
import pytest
from PIL import Image
from tiny_runs import encode, serving

from raymeta.service.http.app import create_app
from raymeta.service.scoring.local_backend import LocalBackend

PNG = {"Content-Type": "image/png"}


def bomb(width: int, height: int) -> bytes:
    """A sound PNG header that announces many pixels, in less than 100 bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def saved(image: Image.Image, kind: str) -> bytes:
    sink = io.BytesIO()
    image.save(sink, kind)
    return sink.getvalue()


def jpeg(pixels):
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, format="JPEG")
    return sink.getvalue()


SMALL = encode(np.zeros((4, 4, 3), dtype=np.uint8))
LOSSY = jpeg(np.zeros((32, 32, 3), dtype=np.uint8))
SOUND = encode(np.arange(32 * 32 * 3, dtype=np.uint8).reshape(32, 32, 3))
BODIES = {
    "empty body": (b"", "image/png", 422, "empty"),
    "text": (b"hello", "image/png", 422, "no PNG or JPEG file"),
    "truncated png": (SOUND[: len(SOUND) // 2], "image/png", 422, "truncated"),
    "png with damaged pixels": (SOUND[:60] + b"\0" * 40 + SOUND[100:], "image/png", 422, "decoded"),
    "png header alone": (SOUND[:33], "image/png", 422, "image"),
    "gif": (saved(Image.new("RGB", (9, 9)), "GIF"), "image/gif", 422, "no PNG or JPEG file"),
    "tiff as png": (saved(Image.new("RGB", (9, 9)), "TIFF"), "image/png", 422, "no PNG or JPEG file"),
    "16 bits a channel": (saved(Image.fromarray(np.zeros((40, 40), np.uint16)), "PNG"), "image/png", 422, "8 bits"),
    "smaller than a box": (SMALL, "image/png", 422, "box_width 8 exceeds the image height 4"),
    "too many pixels": (bomb(1000, 1000), "image/png", 413, "1000×1000 = 1000000 pixels"),
    "decompression bomb": (bomb(60_000, 60_000), "image/png", 413, "pixels"),
    "too many bytes": (b"\0" * 200_001, "image/png", 413, "--max-body-mb"),
    "json": (b"{}", "application/json", 415, "multipart/form-data"),
    "no content type": (SOUND, "", 415, "image/png"),
    "multipart without boundary": (SOUND, "multipart/form-data", 422, "boundary"),
    "multipart that isn't": (b"abc", "multipart/form-data; boundary=x", 422, "part 'image'"),
}


@pytest.mark.parametrize("case", BODIES)
@pytest.mark.parametrize("route", ["priority-map", "boxes"])
def test_bad_bodies_are_refused(client, route, case):
    body, kind, status, words = BODIES[case]
    response = client.post(f"/v1/{route}", content=body, headers={"Content-Type": kind})
    assert response.status_code == status, response.text
    assert words in response.json()["detail"]


@pytest.mark.parametrize("kind", ["too many pixels", "truncated png", "too many bytes"])
def test_segments_refuse_the_same_bodies(client, kind):
    body, media, status, words = BODIES[kind]
    response = client.post("/v1/segments", content=body, headers={"Content-Type": media})
    assert (response.status_code, words in response.text) == (status, True)


def test_an_unknown_strategy_is_told_those_that_an_upload_can_have(client):
    detail = client.post("/v1/boxes?strategy=metabox_pluss", content=SOUND, headers=PNG).json()["detail"]
    assert "metabox_plus" in detail
    assert "did you mean" in detail
    for name in ("_star", "full_set", "superpixels"):
        assert name not in detail


def test_a_body_without_a_length_is_counted_while_it_comes(client):
    sent = []

    def chunks():
        for _ in range(100):
            sent.append(1)
            yield b"\0" * 10_000

    response = client.post("/v1/boxes", content=chunks(), headers=PNG)
    assert response.status_code == 413


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"picture": SOUND}, "takes 'image' and 'labelled_mask'"),
        ({"image": SOUND, "labelled_mask": SMALL}, "another size"),
        ({"labelled_mask": SMALL}, "no part 'image'"),
        ({"image": SOUND, "labelled_mask": LOSSY}, "labelled_mask is a JPEG"),
        ([("image", SOUND), ("image", SOUND)], "twice"),
        ({"image": SOUND, "labelled_mask": b"no image"}, "labelled_mask"),
    ],
)
def test_bad_parts_are_refused(client, files, words):
    response = client.post("/v1/boxes", files=files)
    assert response.status_code == 422
    assert words in response.json()["detail"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("priority-map?map=heat", "joint"),
        ("priority-map?format=gif", "overlay"),
        ("priority-map?strategy=best", "metabox_plus"),
        ("priority-map?box_width=0", "at least 1"),
        ("priority-map?box_width=nine", "whole number"),
        ("priority-map?box_width=" + "9" * 5000, "integer"),
        ("priority-map?box_width=33&strategy=metabox", "exceeds the image height 32"),
        ("priority-map?box_width=16", "clicks_priority=paper"),
        ("priority-map?boxwidth=9", "unknown parameter"),
        ("priority-map?iteration=-1", "at least 0"),
        ("priority-map?strategy=metabox_plus_star", "ground truth"),
        ("boxes?k=0", "at least 1"),
        ("boxes?k=10001", "at most 10000"),
        ("segments?limit=0", "at least 1"),
        ("segments?map=joint", "unknown parameter"),
    ],
)
def test_bad_parameters_are_refused(client, path, words):
    path, _, query = path.partition("?")
    response = client.post(f"/v1/{path}?{query}", content=SOUND, headers=PNG)
    assert response.status_code == 422, response.text
    assert words in response.text


@pytest.mark.parametrize("path", ["priority-map", "boxes", "segments"])
def test_an_unknown_iteration_is_named(client, path):
    response = client.post(f"/v1/{path}?iteration=7", content=SOUND, headers=PNG)
    assert response.status_code == 404
    assert response.json()["detail"] == "iteration 7 isn't finished: choose one of 0, 1"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/pool/nowhere",
        "/v1/pool/..%2F..%2Fconfig.yaml",
        "/v1/pool/%2Fetc%2Fpasswd/image",
        "/v1/pool/..%2f..%2f..%2f..%2fetc%2fpasswd/image",
        "/v1/pool/%00/map",
        "/v1/pool/" + "a" * 3000 + "/boxes",
        "/v1/query?image_id=../../config.yaml",
        "/static/../settings.py",
        "/static/..%2fservice%2fapp.py",
        "/static/%2Fetc%2Fpasswd",
        "/static/%00",
        "/v2/model",
    ],
)
def test_ids_and_paths_lead_nowhere(client, path):
    response = client.get(path)
    assert response.status_code == 404
    assert len(response.content) < 600


def test_wrong_methods_are_refused(client):
    assert client.get("/v1/boxes").status_code == 405
    assert client.delete("/v1/pool").status_code == 405


@pytest.fixture(scope="module")
def guarded(settings):
    """A client, without token, of a service that has one."""
    guarded = replace(settings, token="s3cret-ü")
    with serving(create_app(guarded, LocalBackend(guarded))) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield client


@pytest.mark.parametrize("sent", [None, "Bearer wrong", "Bearer", "Basic s3cret", "s3cret-ü", "Bearer s3cret"])
def test_v1_needs_the_token(guarded, sent):
    headers = {} if sent is None else {"Authorization": sent.encode()}
    for answer in (guarded.get("/v1/model", headers=headers), guarded.post("/v1/boxes", headers=headers)):
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "s3cret" not in answer.text
        assert "X-Raymeta-Iteration" not in answer.headers


def test_the_token_opens_v1(guarded):
    answer = guarded.get("/v1/model", headers={"Authorization": "Bearer s3cret-ü".encode()})
    assert answer.status_code == 200


def test_probes_and_page_need_no_token(guarded):
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
        assert guarded.get(path).status_code == 200
    assert guarded.get("/").status_code in (200, 404)


def test_a_fault_of_the_service_is_a_500_that_tells_no_details(settings):
    class Failing(LocalBackend):
        async def score(self, request):
            raise RuntimeError("secret path")

    with (
        serving(create_app(settings, Failing(settings))) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        answer = client.post("/v1/boxes", content=SOUND, headers=PNG)
    assert (answer.status_code, answer.json()) == (500, {"detail": "the service failed: its log tells why"})

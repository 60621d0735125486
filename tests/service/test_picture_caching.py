"""Pictures that a browser holds: of another run at the same address, of a file that was changed, and known ones."""

import io

import numpy as np
import pytest
from asked_run import asked_run
from fastapi.testclient import TestClient
from PIL import Image

from raymeta.datasets.file_dataset import FileDataset
from raymeta.labels.picture_files import PictureFiles
from raymeta.service.http.app import create_app
from raymeta.service.scoring.local_backend import LocalBackend
from raymeta.service.settings import ServiceSettings

PICTURE = "/v1/tasks/q000-000001/picture"


def opened(location):
    settings = ServiceSettings(location, threads=1, access_log="/dev/null")
    return TestClient(create_app(settings, LocalBackend(settings)))


def image_file(folder):
    return folder / "data" / "images" / "train" / "im1.png"


def grey(folder, value):
    """Another picture of the same size as im1."""
    Image.fromarray(np.full((48, 64, 3), value, np.uint8)).save(image_file(folder))


def values_of(answer):
    return set(np.asarray(Image.open(io.BytesIO(answer.content))).ravel().tolist())


@pytest.fixture
def location(tmp_path):
    store = asked_run(tmp_path, [("im1", 0, 0)])
    grey(tmp_path, 7)
    return store.location


@pytest.fixture
def undecodable(monkeypatch):
    """From here on no picture can be decoded."""

    def refuse(self, image_id):
        raise AssertionError(f"{image_id} was decoded")

    return lambda: monkeypatch.setattr(FileDataset, "image", refuse)


def test_the_same_address_of_two_runs_never_passes_for_one(location, tmp_path):
    asked_run(tmp_path / "other", [("im1", 0, 0)])
    grey(tmp_path / "other", 200)
    first = opened(location).get(PICTURE)
    assert values_of(first) == {7}
    assert "no-cache" in first.headers["Cache-Control"]
    second = opened(str(tmp_path / "other/run")).get(PICTURE, headers={"If-None-Match": first.headers["ETag"]})
    assert (second.status_code, values_of(second)) == (200, {200})


def test_a_changed_file_is_shown_as_it_is_now(location, tmp_path):
    client = opened(location)
    old = client.get(PICTURE)
    grey(tmp_path, 99)
    new = client.get(PICTURE, headers={"If-None-Match": old.headers["ETag"]})
    assert (new.status_code, values_of(new)) == (200, {99})
    image_file(tmp_path).unlink()
    assert client.get(PICTURE, headers={"If-None-Match": new.headers["ETag"]}).status_code == 404


def test_a_known_picture_is_not_decoded_again_by_any_process(location, undecodable):
    etag = opened(location).get(PICTURE).headers["ETag"]
    undecodable()
    known = opened(location).get(PICTURE, headers={"If-None-Match": etag})
    assert (known.status_code, known.content) == (304, b"")
    assert (known.headers["X-Raymeta-Left"], known.headers["ETag"]) == ("0", etag)
    with pytest.raises(AssertionError, match="im1 was decoded"):
        opened(location).get(PICTURE + "?margin=3", headers={"If-None-Match": etag})  # another part


def test_a_file_that_has_no_checksum_is_known_by_its_pixels(location, monkeypatch):
    monkeypatch.setattr(PictureFiles, "sha256", lambda self, image_id: None)
    client = opened(location)
    got = client.get(PICTURE)
    assert values_of(got) == {7}
    assert client.get(PICTURE, headers={"If-None-Match": got.headers["ETag"]}).status_code == 304


def test_images_of_the_pool_are_asked_for_again_too(client, run, settings, monkeypatch):
    path = f"/v1/pool/{run.split.unlabelled[0]}/image"
    whole, small = (client.get(path, params={"iteration": 0} | more) for more in ({}, {"max_side": 16}))
    assert whole.headers["ETag"] != small.headers["ETag"]
    assert whole.headers["ETag"] == client.get(path, params={"iteration": 1}).headers["ETag"]
    assert {"no-cache"} <= set(whole.headers["Cache-Control"].split(", "))
    monkeypatch.setattr(FileDataset, "image", None)
    another = TestClient(create_app(settings, LocalBackend(settings)))
    known = another.get(path, params={"iteration": 0}, headers={"If-None-Match": whole.headers["ETag"]})
    assert (known.status_code, known.headers["X-Raymeta-Iteration"]) == (304, "0")

"""Data sets behind a URI: the same content as from a folder, read anew where it was changed, never torn.

The storage is a real file system of pyarrow's, opened by a URI; tests/faults has a server of S3's protocol.
"""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from dataset_layouts import picture, save, write_camvid, write_cityscapes, write_folder

from raymeta.config import DatasetConfig
from raymeta.datasets import registry, remote_paths
from raymeta.datasets.file_cache import FileCache
from raymeta.datasets.remote_paths import RemotePath, RemoteStorage, RemoteStorageError
from raymeta.datasets.sample import DatasetError, MissingFileError

WRITERS = {"camvid": write_camvid, "cityscapes": write_cityscapes, "folder": write_folder}


@pytest.fixture
def remote(tmp_path, monkeypatch):
    """The folder as a remote one."""
    copies = FileCache(tmp_path / "copies", 1 << 20)

    def remote(folder: Path) -> RemotePath:
        path = RemotePath(RemoteStorage(folder.as_uri(), copies))
        monkeypatch.setattr(registry, "data_folder", lambda config: path)
        return path

    return remote


@pytest.mark.parametrize("kind", WRITERS)
def test_a_remote_data_set_equals_the_local_one(kind, tmp_path, remote):
    config = DatasetConfig(kind=kind, root=str(WRITERS[kind](tmp_path / "data")))
    local = registry.open_dataset(config)
    remote(tmp_path / "data")
    found = pickle.loads(pickle.dumps(registry.open_dataset(config)))
    assert (found.name, found.class_names) == (local.name, local.class_names)
    assert found.pool_ids() == local.pool_ids()
    assert found.validation_ids() == local.validation_ids()
    for image_id in local.pool_ids() + local.validation_ids():
        assert found.size(image_id) == local.size(image_id)
        np.testing.assert_array_equal(found.image(image_id), local.image(image_id))
        np.testing.assert_array_equal(found.label_map(image_id), local.label_map(image_id))
        if local.has_polygons:
            for one, other in zip(found.polygons(image_id), local.polygons(image_id), strict=True):
                np.testing.assert_array_equal(one.points, other.points)
    assert found.survey() == local.survey()


def test_patterns_and_parts_that_are_made(tmp_path, remote):
    for number in range(6):
        save(tmp_path / f"data/images/a/{number}.png", picture(number))
        save(tmp_path / f"data/masks/a/{number}_mask.png", np.full((12, 20), 10))
    write_folder(tmp_path / "other")
    (tmp_path / "other/classes.yaml").rename(tmp_path / "data/classes.yaml")
    config = DatasetConfig(
        kind="folder",
        root=str(tmp_path / "data"),
        image_pattern="images/{id}.*",
        label_pattern="masks/{id}_mask.png",
        validation_every=3,
    )
    local = registry.open_dataset(config)
    remote(tmp_path / "data")
    found = registry.open_dataset(config)
    assert found.pool_ids() == local.pool_ids() == ["a/0", "a/1", "a/3", "a/4"]
    np.testing.assert_array_equal(found.label_map("a/5"), local.label_map("a/5"))


def test_a_file_is_read_once_and_anew_after_a_change(tmp_path, remote, monkeypatch):
    path = save(tmp_path / "data/a.png", picture(1))
    read = []
    fetched = RemotePath._fetched
    monkeypatch.setattr(RemotePath, "_fetched", lambda self, seen: read.append(self.name) or fetched(self, seen))
    root = remote(tmp_path / "data")
    assert (root / "a.png").read_bytes() == (root / "a.png").read_bytes() == path.read_bytes()
    assert read == ["a.png"]
    old = path.read_bytes()
    path.write_bytes(old[:-1] + b"x")  # of the same size
    os.utime(path, ns=(path.stat().st_mtime_ns + 1000,) * 2)
    assert (root / "a.png").read_bytes() == path.read_bytes() != old
    assert read == ["a.png", "a.png"]


def test_what_is_known_of_a_file_is_asked_anew_after_a_while(tmp_path, remote, monkeypatch):
    path = save(tmp_path / "data/a.png", picture(1))
    (found,) = remote(tmp_path / "data").iterdir()
    old = found.read_bytes()
    path.write_bytes(b"new")
    assert found.read_bytes() == old
    now = remote_paths.time.monotonic()
    monkeypatch.setattr(remote_paths.time, "monotonic", lambda: now + remote_paths.MAX_AGE_S + 1)
    assert found.read_bytes() == b"new"


def test_an_object_that_is_replaced_while_it_is_read_is_read_again(tmp_path, remote, monkeypatch):
    path = save(tmp_path / "data/a.png", picture(1))
    found = remote(tmp_path / "data") / "a.png"
    read, versions = RemotePath._read, [b"second version", b"third"]

    def changing(self, count):
        data = read(self, count)
        if versions:
            path.write_bytes(versions.pop(0))
        return data

    monkeypatch.setattr(RemotePath, "_read", changing)
    assert found.read_bytes() == b"third"
    assert found.read_bytes() == b"third"


def test_a_download_that_was_cut_is_not_taken(tmp_path, remote, monkeypatch):
    save(tmp_path / "data/a.png", picture(1))
    found, read = remote(tmp_path / "data") / "a.png", RemotePath._read
    monkeypatch.setattr(RemotePath, "_read", lambda self, count: read(self, count)[:-1])
    with pytest.raises(RemoteStorageError):
        found.read_bytes()
    assert not list((tmp_path / "copies").glob("*/*"))


def test_missing_files_and_folders_are_told_with_their_place(tmp_path, remote):
    config = DatasetConfig(kind="camvid", root=str(write_camvid(tmp_path / "data")))
    remote(tmp_path / "data")
    dataset = registry.open_dataset(config)
    (tmp_path / "data/train/train_0.png").unlink()
    with pytest.raises(MissingFileError) as missing:
        dataset.image("train_0")
    assert str(missing.value.path) == f"file://{tmp_path}/data/train/train_0.png"
    assert pickle.loads(pickle.dumps(missing.value)).path == missing.value.path
    remote(tmp_path / "nothing")
    with pytest.raises(DatasetError, match="nothing is missing"):
        registry.open_dataset(config)


@pytest.mark.parametrize("root", ["s3://KEY:SECRET@bucket/data?no_such_option=1", "nonsense://bucket/data"])
def test_storage_that_cannot_be_reached_is_told_without_secrets(root):
    with pytest.raises(DatasetError) as error:
        registry.open_dataset(DatasetConfig(kind="camvid", root=root))
    assert "SECRET" not in str(error.value)
    assert "bucket/data" in str(error.value)


def test_a_file_uri_is_a_local_folder(tmp_path):
    folder = write_camvid(tmp_path / "with space")
    config = DatasetConfig(kind="camvid", root=folder.as_uri())
    assert registry.data_folder(config) == folder
    assert registry.open_dataset(config).pool_ids()[0] == "train_0"


def test_copies_lie_where_the_config_says(tmp_path):
    config = DatasetConfig(kind="camvid", root="s3://bucket/data", cache_dir=str(tmp_path), cache_gib=0.5)
    copies = registry.data_folder(config).storage.copies
    assert (copies.folder, copies.max_bytes) == (tmp_path, 2**29)


def test_copies_lie_in_the_home_folder_and_on_the_local_disk_alone():
    config = DatasetConfig(kind="camvid", root="s3://bucket/data", cache_dir="~/copies")
    assert registry.data_folder(config).storage.copies.folder == Path.home() / "copies"
    for place in ("s3://KEY:SECRET@bucket/copies", "~nobody-of-this-name/copies"):
        with pytest.raises(DatasetError, match="cache_dir") as error:
            registry.data_folder(config.model_copy(update={"cache_dir": place}))
        assert "SECRET" not in str(error.value)


def test_names_may_begin_with_a_dot(tmp_path, remote):
    save(tmp_path / "data/.hidden/1.png", picture(1))
    root = remote(tmp_path / "data")
    assert (root / "." / ".hidden" / "1.png").is_file()
    assert (root / ".").relative == ""


def test_copies_lie_in_a_folder_of_ones_own_where_there_is_no_home(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null/none")
    folder = registry.data_folder(DatasetConfig(kind="camvid", root="s3://bucket/data")).storage.copies.folder
    assert folder.parent == tmp_path
    assert folder.is_dir()


def test_scenes_behind_a_uri_are_read_not_made(tmp_path, remote):
    config = DatasetConfig(kind="street_scenes", root=str(tmp_path / "data"))
    remote(tmp_path / "data")
    with pytest.raises(DatasetError):
        registry.open_dataset(config)
    write_cityscapes(tmp_path / "data")
    assert len(registry.open_dataset(config).pool_ids()) == 3
    assert json.loads((tmp_path / "data/gtFine/train/bonn/bonn_train_000000_gtFine_polygons.json").read_text())


@pytest.mark.parametrize("root", ["file://data", "file://host/data"])
def test_a_file_uri_without_a_folder_is_refused(root):
    """Its path would be taken for one below the folder where the command starts."""
    with pytest.raises(DatasetError, match="names no folder"):
        registry.data_folder(DatasetConfig(kind="camvid", root=root))


def test_a_file_uri_names_its_folder(tmp_path):
    root = f"file://{tmp_path}/with%20space"
    assert registry.data_folder(DatasetConfig(kind="camvid", root=root)) == tmp_path / "with space"

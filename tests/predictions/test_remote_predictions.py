"""Predictions behind a URI: the same boxes as from folders, and storage that is away leaves out no image.

The storage is a real file system of pyarrow's, opened by a URI; tests/faults has a server of S3's protocol.
"""

import errno
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from prediction_folders import UNREADABLE, softmax, write_predictions

from raymeta.datasets.file_cache import FileCache
from raymeta.datasets.remote_paths import RemotePath, RemoteStorage, RemoteStorageError
from raymeta.errors import InputError
from raymeta.predictions import selection
from raymeta.predictions.prediction_files import PredictionFiles
from raymeta.predictions.selection_config import load_selection


def remote(folder: Path | str) -> RemotePath:
    return RemotePath(RemoteStorage(Path(folder).as_uri(), FileCache(Path(), 0)))


@pytest.fixture
def everything_remote(monkeypatch):
    monkeypatch.setattr(selection, "data_path", remote)


@pytest.mark.parametrize("suffix", ["npy", "npz", "pt", "safetensors"])
def test_each_kind_of_file_equals_the_local_one(tmp_path, suffix):
    array = softmax(np.random.default_rng(1))
    path = tmp_path / f"a.b/7.{suffix}"
    path.parent.mkdir()
    if suffix == "npy":
        np.save(path, array)
    elif suffix == "npz":
        np.savez(path, scores=array)
    elif suffix == "pt":
        torch.save({"scores": torch.from_numpy(array)}, path)
    else:
        pytest.importorskip("safetensors.torch").save_file({"scores": torch.from_numpy(array)}, path)
    files = PredictionFiles(remote(tmp_path), "softmax", "CHW")
    assert files.image_ids == ["a.b/7"]
    assert np.array_equal(files.softmax("a.b/7"), array)
    assert files.stamp() == PredictionFiles(tmp_path, "softmax", "CHW").stamp()


def test_the_boxes_are_those_of_folders(tmp_path, everything_remote, monkeypatch):
    config = write_predictions(tmp_path)
    (tmp_path / "masks").mkdir()
    Image.fromarray(np.ones((40, 56), np.uint8)).save(tmp_path / "masks/03.png")
    options = [f"pool.labelled_masks={tmp_path / 'masks'}"]
    first = selection.select(load_selection(config, options))
    assert list(first.failed) == [UNREADABLE]
    labelled = [*options, f"pool.labelled_boxes={tmp_path / 'ray'}", f"out_dir={tmp_path / 'second'}"]
    second = selection.select(load_selection(config, labelled))
    monkeypatch.undo()
    assert first.query.equals(selection.select(load_selection(config, [*options, f"out_dir={tmp_path / 'a'}"])).query)
    labelled[-1] = f"out_dir={tmp_path / 'b'}"
    assert second.query.equals(selection.select(load_selection(config, labelled)).query)
    assert not second.query.equals(first.query)
    assert "03" not in second.query["image_id"].to_pylist()


def test_storage_that_is_away_ends_it_and_it_goes_on(tmp_path, everything_remote, monkeypatch):
    monkeypatch.setattr(selection, "BLOCK_IMAGES", 4)
    config = load_selection(write_predictions(tmp_path), ["threads=1", "strategy=entropy_box"])
    read, count = RemotePath.read_bytes, 0

    def until_it_is_away(self):
        nonlocal count
        count += 1
        if count > 12:
            raise RemoteStorageError(f"{self}: can't be reached") from OSError(errno.EIO, "away")
        return read(self)

    monkeypatch.setattr(RemotePath, "read_bytes", until_it_is_away)
    with pytest.raises(RemoteStorageError):
        selection.select(config)
    assert not (tmp_path / "ray/query.parquet").exists()
    monkeypatch.setattr(RemotePath, "read_bytes", read)
    first: list[int] = []
    found = selection.select(config, lambda step, done, total: first.append(done) if step == "score" else None)
    assert first[0] > 4
    assert list(found.failed) == [UNREADABLE]
    whole = load_selection(tmp_path / "select.yaml", ["strategy=entropy_box", f"out_dir={tmp_path / 'b'}"])
    assert found.query.equals(selection.select(whole).query)


def test_a_place_that_names_no_folder_is_told_with_its_key(tmp_path):
    config = load_selection(write_predictions(tmp_path), ["pool.predictions=file://pool"])
    with pytest.raises(InputError, match=r"pool\.predictions"):
        selection.select(config)

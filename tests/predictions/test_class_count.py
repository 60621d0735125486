"""One odd file is left out and decides nothing, and a query of less than half of the pool is refused."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from raymeta.cli import main
from raymeta.datasets.file_cache import FileCache
from raymeta.datasets.remote_paths import RemotePath, RemoteStorage
from raymeta.errors import InputError
from raymeta.predictions import class_count as module
from raymeta.predictions.class_count import class_count
from raymeta.predictions.prediction_files import PredictionFiles
from raymeta.predictions.selection import Selection, select
from raymeta.predictions.selection_config import load_selection


def write(folder: Path, **classes: int) -> None:
    """A file NAME.npy for each, with that many classes; 0: one that can't be read."""
    folder.mkdir(exist_ok=True, parents=True)
    rng = np.random.default_rng(0)
    for name, count in classes.items():
        values = rng.random((max(count, 1), 24, 24))
        np.save(folder / f"{name}.npy", (values / values.sum(axis=0)).astype(np.float32))
        if count == 0:
            (folder / f"{name}.npy").write_bytes(b"no array")


def selected(folder: Path, *overrides: str, **classes: int) -> Selection:
    write(folder / "pool", **classes)
    values = {"out_dir": str(folder / "out"), "strategy": "entropy_box", "box_width": 8, "query_size": 9}
    path = folder / "select.yaml"
    path.write_text(yaml.safe_dump(values | {"pool": {"predictions": str(folder / "pool")}}))
    return select(load_selection(path, list(overrides)))


GOOD = dict.fromkeys("bcdefg", 4)


@pytest.mark.parametrize("odd", ["a", "z"])
@pytest.mark.parametrize("threads", [1, 3])
def test_an_odd_file_is_left_out_wherever_it_sorts(tmp_path, odd, threads):
    found = selected(tmp_path, f"threads={threads}", **GOOD, **{odd: 8})
    assert list(found.failed) == [odd]
    assert f"{odd}.npy" in found.failed[odd]
    assert found.query.equals(selected(tmp_path / "good", **GOOD).query)


def test_more_than_half_of_the_pool_is_never_left_out(tmp_path, capsys):
    assert len(selected(tmp_path, b=4, c=4, a=0, d=0).failed) == 2
    with pytest.raises(InputError, match="3 of the pool's 5 images"):
        selected(tmp_path, e=0)
    (tmp_path / "out/query.parquet").unlink()
    assert main(["select", str(tmp_path / "select.yaml")]) == 2
    assert "pool.predictions" in capsys.readouterr().err
    assert not (tmp_path / "out/query.parquet").exists()


def test_no_number_of_classes_that_most_have_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"4 classes \(2 files, as b\) and 8 classes \(2 files, as a\)"):
        selected(tmp_path, a=8, b=4, c=4, d=8)
    with pytest.raises(InputError, match="3 of the pool's 5"):  # 4 wins, with too few
        selected(tmp_path, d=7, e=6)


def test_an_odd_file_of_the_meta_set_is_named_itself(tmp_path):
    write(tmp_path / "meta", a=8, b=4, c=4)
    (tmp_path / "labels").mkdir()
    for name in "abc":
        Image.fromarray(np.zeros((24, 24), np.uint8)).save(tmp_path / f"labels/{name}.png")
    meta = [f"meta.predictions={tmp_path / 'meta'}", f"meta.labels={tmp_path / 'labels'}", "strategy=metabox"]
    with pytest.raises(InputError, match=r"meta/a\.npy: has 8 classes, most of meta\.predictions have 4"):
        selected(tmp_path, *meta, **GOOD)


def test_of_a_large_pool_a_sample_is_looked_at(tmp_path, monkeypatch):
    write(tmp_path / "pool", **{f"good{number}": 4 for number in range(30)}, a=8)
    monkeypatch.setattr(module, "MAX_FILES", 10)
    looked = []
    read = PredictionFiles.classes
    monkeypatch.setattr(PredictionFiles, "classes", lambda self, name: looked.append(name) or read(self, name))
    assert class_count(PredictionFiles(tmp_path / "pool", "softmax", "CHW"), "pool.predictions", 0) == 4
    assert len(looked) == 10


@pytest.mark.parametrize("suffix", ["npy", "npz", "pt", "safetensors"])
def test_behind_a_uri_little_is_fetched(tmp_path, monkeypatch, suffix):
    import pyarrow as pa
    import torch

    array = np.zeros((4, 300, 400), np.float32)
    if suffix == "npy":
        np.save(tmp_path / "a.npy", array)
    elif suffix == "npz":
        np.savez(tmp_path / "a.npz", array)
    elif suffix == "pt":
        torch.save(torch.from_numpy(array), tmp_path / "a.pt")
    else:
        pytest.importorskip("safetensors.numpy").save_file({"a": array}, tmp_path / "a.safetensors")
    fetched = []

    class Counted:
        def __init__(self, stream: pa.NativeFile) -> None:
            self.stream = stream

        def __getattr__(self, name: str):
            return getattr(self.stream, name)

        def read(self, *count: int) -> bytes:
            fetched.append(len(data := self.stream.read(*count)))
            return data

        def readinto(self, buffer) -> int:
            fetched.append(count := self.stream.readinto(buffer))
            return count

    folder = RemotePath(RemoteStorage(tmp_path.as_uri(), FileCache(Path(), 0)))
    parts = RemotePath.read_parts
    monkeypatch.setattr(RemotePath, "read_parts", lambda self, read: parts(self, lambda stream: read(Counted(stream))))
    assert PredictionFiles(folder, "softmax", "CHW").classes("a") == 4
    assert 0 < sum(fetched) < 20_000


def test_an_out_dir_that_can_not_be_written_is_told_before_anything_is_read(tmp_path):
    for place in ("/proc/nowhere", "/dev/null/out"):
        with pytest.raises(InputError, match=f"out_dir {place}") as refused:
            selected(tmp_path, f"out_dir={place}", **GOOD)
        assert "run_dir" not in str(refused.value)

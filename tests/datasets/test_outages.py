"""Storage that drops out, by what it raises."""

import errno
import os

import pytest
from dataset_layouts import write_camvid
from PIL import Image

from raymeta.config import DatasetConfig
from raymeta.datasets.outages import DatasetUnreachableError, SteadyDataset
from raymeta.datasets.registry import open_dataset, open_steady
from raymeta.datasets.sample import DatasetError


@pytest.fixture
def config(tmp_path):
    return DatasetConfig(kind="camvid", root=str(write_camvid(tmp_path / "data")), outage_wait_s=0.3)


def failing_opens(monkeypatch, number, error):
    """Pillow's first opens fail as the storage would make them; the list shrinks with each."""
    left, opened = [error] * number, Image.open

    def fail(*arguments, **options):
        if left:
            raise left.pop()
        return opened(*arguments, **options)

    monkeypatch.setattr(Image, "open", fail)
    return left


@pytest.mark.parametrize("name", ["EIO", "ESTALE", "ENOTCONN", "ETIMEDOUT", "EHOSTDOWN", "EMFILE"])
def test_a_fault_of_the_storage_is_waited_for(name, config, monkeypatch):
    dataset = open_steady(config, 0)
    code = getattr(errno, name)
    left = failing_opens(monkeypatch, 1, OSError(code, os.strerror(code)))
    assert dataset.image("train_0").shape == (12, 20, 3)
    assert left == []


def test_a_lasting_fault_of_the_storage_ends_it(config, monkeypatch):
    dataset = open_steady(config, 0)
    left = failing_opens(monkeypatch, 1000, OSError(errno.EIO, "I/O error"))
    with pytest.raises(DatasetUnreachableError, match=r"I/O error"):
        dataset.label_map("train_0")
    tries = 1000 - len(left)
    assert tries > 1
    with pytest.raises(DatasetUnreachableError):
        dataset.image("train_1")  # who comes later doesn't wait as long again
    assert 1000 - len(left) == tries + 1


def test_a_damaged_file_is_told_at_once(config, tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("waits for a damaged file"))
    dataset = open_steady(config, 0)
    (tmp_path / "data/train/train_0.png").write_bytes(b"no image")
    with pytest.raises(DatasetError):
        dataset.image("train_0")
    assert dataset.image("train_1").shape == (12, 20, 3)


def test_a_file_that_never_was_there_is_told_at_once(config, tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("waits for a file that never was there"))
    (tmp_path / "data/trainannot/train_0.png").unlink()
    dataset = open_steady(config, 0)
    with pytest.raises(DatasetError, match="missing"):
        dataset.label_map("train_0")
    assert dataset.label_map("train_1").shape == (12, 20)


@pytest.mark.parametrize("file", ["train/train_0.png", "trainannot/train_0.png"])
def test_a_file_that_was_listed_is_waited_for(file, config, tmp_path, monkeypatch):
    dataset = open_steady(config, 0)
    path, away = tmp_path / "data" / file, tmp_path / "away.png"
    path.rename(away)
    monkeypatch.setattr("time.sleep", lambda _: away.rename(path))
    assert dataset.label_map("train_0").shape == (12, 20)
    dataset.image("train_0")


def test_a_data_set_that_was_opened_half_is_opened_again(config, tmp_path, monkeypatch):
    path, away = tmp_path / "data/train/train_0.png", tmp_path / "away.png"
    path.rename(away)
    dataset = SteadyDataset(lambda: open_dataset(config), config.root, 10.0)
    assert dataset.pool_ids() == ["train_1", "train_2", "train_3"]
    monkeypatch.setattr("time.sleep", lambda _: away.rename(path))
    assert dataset.image("train_0").shape == (12, 20, 3)
    assert "train_0" in dataset.pool_ids()


def test_a_worker_that_starts_in_an_outage_waits(config, tmp_path, monkeypatch):
    root, away = tmp_path / "data", tmp_path / "away"
    root.rename(away)
    with pytest.raises(DatasetUnreachableError, match="data"):
        open_steady(config, 0)
    monkeypatch.setattr("time.sleep", lambda _: away.rename(root))
    assert len(open_steady(config, 0).pool_ids()) == 4


def test_an_emptied_mount_point_is_an_outage(config, tmp_path):
    dataset = open_steady(config, 0)
    (tmp_path / "data").rename(tmp_path / "away")
    (tmp_path / "data").mkdir()
    with pytest.raises(DatasetUnreachableError):
        dataset.image("train_0")

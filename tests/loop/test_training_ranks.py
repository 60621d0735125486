"""Two training workers that see different files: they agree first on what they train on."""

import pickle
import shutil

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from dataset_layouts import write_camvid
from gloo_sums import Gloo

from raymeta.annotation.known_labels import KnownLabels
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.config import parse_config
from raymeta.datasets.registry import open_dataset
from raymeta.loop.training_job import run_training_job
from raymeta.loop.workers import TrainingJob
from raymeta.training.training_set import ExampleCache


def train(root, communicator=None):
    config = parse_config(
        {
            "run_dir": str(root / "run"),
            "dataset": {"kind": "camvid", "root": str(root), "max_failed_share": 0.5},
            "acquisition": {"strategy": "random_box", "box_width": 4, "meta_images": 0},
            "network": {"width_multiplier": 0.0625, "batch_norm": False},
            "training": {"batch_size": 2, "max_epochs": 2, "threads_per_worker": 1},
        }
    )
    dataset = open_dataset(config.dataset)
    images = dataset.pool_ids()
    known = KnownLabels(LabelledRegions.from_images(images), frozenset(dataset.validation_ids()))
    job = TrainingJob(0, known, tuple(dataset.validation_ids()))
    return run_training_job(job, config, ExampleCache(dataset, 1 << 24), communicator=communicator)


def train_rank(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    (folder / f"{rank}.trained").write_bytes(pickle.dumps(train(folder / f"data{rank}", Gloo())))
    dist.destroy_process_group()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_ranks_that_see_different_images_train_on_those_that_both_can_read(tmp_path):
    write_camvid(tmp_path / "whole", train=5, val=3)
    for place in ("data0", "data1", "less"):
        shutil.copytree(tmp_path / "whole", tmp_path / place)
    for place in ("data1", "less"):
        (tmp_path / place / "train/train_2.png").write_bytes(b"no image")
    for place in ("data0", "less"):
        (tmp_path / place / "val/val_1.png").write_bytes(b"no image")
    mp.spawn(train_rank, args=(tmp_path,), nprocs=2)
    first, second = (pickle.loads((tmp_path / f"{rank}.trained").read_bytes()) for rank in range(2))
    alone = train(tmp_path / "less")
    assert first.faults.keys() == second.faults.keys() == alone.faults.keys() == {"train_2", "val_1"}
    assert first.confusion == second.confusion
    assert np.sum(first.confusion) == np.sum(alone.confusion)
    losses = [[record["train_loss"] for record in trained.history] for trained in (first, alone)]
    np.testing.assert_allclose(*losses, rtol=0.01)  # dropout is each rank's own

"""Two real processes over gloo against one."""

import functools
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta

import numpy as np
import pytest
import torch
import torch.distributed as dist
from gloo_sums import Gloo
from training_examples import equal, examples, network, training_config

from raymeta.training.network_training import TrainingState, train_network


@pytest.fixture(scope="module")
def pair():
    """Two processes that import torch once for all tests. Both are taken: a rank waits for the other one to begin."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes:
        yield processes


def config(**values):
    return training_config(batch_size=4, max_epochs=4, horizontal_flip=True, **values)


def train_rank(rank, folder, build, resume, values):
    torch.set_num_threads(1)
    meeting = {"init_method": f"file://{folder}/meeting", "timeout": timedelta(seconds=120)}
    dist.init_process_group("gloo", rank=rank, world_size=2, **meeting)
    states = []
    state = train_network(
        build(seed=rank),  # the wrapper gives all ranks the weights of rank 0
        examples(train=7),
        config(**values),
        seed=0,
        communicator=Gloo(),
        on_epoch=lambda _, state: states.append(state.to_bytes()),
        resume=resume,
    )
    (folder / f"{rank}.state").write_bytes(state.to_bytes())
    (folder / f"{rank}.second").write_bytes(states[1] if resume is None else b"")
    dist.destroy_process_group()


def two_processes(pair, folder, build, resume=None, **values):
    folder.mkdir()
    for rank in [pair.submit(train_rank, rank, folder, build, resume, values) for rank in range(2)]:
        rank.result()
    return [TrainingState.from_bytes((folder / f"{rank}.state").read_bytes()) for rank in range(2)]


PARTS_OF_CROPS = {"accumulation_steps": 2, "crop_height": 20, "crop_width": 28, "scale_min": 0.5, "scale_max": 2.0}
TAUGHT = {"steps": 8, "ema": 0.9, "pseudo_labels": {"weight": 1.0, "start": 0.0, "confidence": 0.3, "disturbance": 0.0}}
"""Each rank draws its disturbances for itself."""


@pytest.mark.slow
@pytest.mark.parametrize("values", [{}, PARTS_OF_CROPS, TAUGHT], ids=["whole", "parts-of-crops", "self-training"])
def test_two_processes_equal_one_to_rounding(values, pair, tmp_path):
    one = train_network(network(dropout=False), examples(train=7), config(**values), seed=0)
    two, other = two_processes(pair, tmp_path / "two", functools.partial(network, dropout=False), **values)
    assert equal(two.best_weights, other.best_weights)
    assert two.best_epoch == other.best_epoch == one.best_epoch
    losses = [[record.train_loss for record in state.history] for state in (one, two)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    np.testing.assert_allclose(one.best_miou, two.best_miou, atol=0.01)
    assert one.best_confusion.sum() == two.best_confusion.sum()


@pytest.mark.slow
def test_resume_of_two_processes_is_bit_identical(pair, tmp_path):
    whole = two_processes(pair, tmp_path / "whole", functools.partial(network, batch_norm=True))
    second = (tmp_path / "whole" / "0.second").read_bytes()
    resumed = two_processes(pair, tmp_path / "resumed", functools.partial(network, batch_norm=True), resume=second)
    for state in (whole[1], *resumed):
        assert equal(state.network, whole[0].network)
        assert equal(state.optimizer, whole[0].optimizer)
        assert equal(state.best_weights, whole[0].best_weights)
        assert [record.train_loss for record in state.history] == [record.train_loss for record in whole[0].history]

"""A worker's own error against the loss of a peer: by errors that gloo really raises, and through Ray."""

import os
import signal

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from ray.exceptions import ActorDiedError
from ray.train import WorkerGroupError
from tiny_settings import tiny_values
from torch.nn.parallel import DistributedDataParallel

from raymeta.cluster.network_trainer import NetworkTrainer
from raymeta.cluster.pool_scorer import PoolScorer
from raymeta.cluster.worker_failures import WorkerFailure, is_lost_peer, why_it_ended
from raymeta.config import parse_config
from raymeta.datasets.outages import DatasetUnreachableError
from raymeta.errors import InputError, RunFailedError
from raymeta.loop.workers import TrainingJob


def lose_peer(rank, folder):
    """Rank 1 dies between two exchanges; rank 0 writes what it makes of that."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    network = DistributedDataParallel(torch.nn.Linear(2, 2))
    error = None
    try:
        for _ in range(3):
            network(torch.ones(1, 2)).sum().backward()
            if rank == 1:
                os.kill(os.getpid(), signal.SIGKILL)
    except Exception as raised:
        error = raised
    (folder / "lost").write_text(f"{error is not None and is_lost_peer(error)} {error!r}")
    os._exit(0)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_killed_peer_is_a_lost_one(tmp_path):
    processes = mp.spawn(lose_peer, args=(tmp_path,), nprocs=2, join=False).processes
    for process in processes:
        process.join(240)
    assert (tmp_path / "lost").read_text().startswith("True")


def raised(work):
    try:
        work()
    except Exception as error:
        return error
    raise AssertionError("raises nothing")


@pytest.mark.parametrize(
    "work",
    [
        lambda: torch.zeros(2, 3) @ torch.zeros(2, 3),
        lambda: torch.nn.Conv2d(3, 4, 3)(torch.zeros(1, 5, 8, 8)),
        lambda: torch.empty(1 << 60),
        lambda: torch.nn.Linear(2, 2).load_state_dict({}),
        lambda: {}["gloo"],
    ],
)
def test_an_error_of_its_own_is_no_lost_peer(work):
    error = raised(work)
    assert not is_lost_peer(error)
    assert type(error).__name__ in WorkerFailure.of(error).text


def test_kinds_of_failures():
    assert WorkerFailure.of(DatasetUnreachableError("gone")) == WorkerFailure("run", "gone")
    assert WorkerFailure.of(InputError("wrong")) == WorkerFailure("input", "wrong")
    assert "batch_size" in WorkerFailure.of(MemoryError("full")).text
    assert WorkerFailure.of(KeyError()).kind == "program"


def test_the_end_of_ray_train_has_a_reason():
    died = ActorDiedError()
    failures = {0: RuntimeError("[gloo/transport/tcp/pair.cc:1] Connection closed by peer"), 1: died}
    told = why_it_ended(WorkerGroupError("…", failures), {0: "here", 1: "log /there"})
    assert "rank 1 (log /there)" in told
    assert "rank 0" not in told
    assert str(died).splitlines()[-1] in told
    snippet = "[Rank 0 Error Snippet]:\nTraceback\n  more\nValueError: the reason"
    assert why_it_ended(WorkerGroupError(snippet, {}), {}).endswith("ValueError: the reason")
    assert why_it_ended(None, {})


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_an_actors_own_error_is_told_at_once(cluster, tmp_path, scenes):
    values = tiny_values(scenes, str(tmp_path / "run"))
    config = parse_config(values | {"training": values["training"] | {"workers": 2}})
    away = {"kind": "cityscapes", "root": str(tmp_path / "away"), "outage_wait_s": 0.1}
    trainer = NetworkTrainer(config, 0.0)
    try:
        with pytest.raises(RunFailedError, match=r"AttributeError.*\n.*log /"):
            trainer.train(TrainingJob(0, None, ()), on_progress=lambda _: None, on_state=lambda _: None)
    finally:
        trainer.close()
    scorer = PoolScorer(parse_config(values | {"dataset": away}), 0.0)
    with pytest.raises(RunFailedError, match=f"^the data set in {tmp_path}/away can't be reached"):
        scorer.run("whole_image_clicks", ["a", "b"], on_rows=lambda *_: None)
    scorer.close()

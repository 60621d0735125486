"""Several seeds by the real command: one fails, the others finish, and the command goes on where it was."""

import pytest
from failing_seed import assert_others_finish

from raymeta.cluster.repetitions import concurrent_runs
from raymeta.config import load_config


@pytest.mark.parametrize(
    ("cpus", "gpus", "workers", "actors", "expected"),
    [
        (2, 0, 1, 1, 1),  # two threads a run fill two cores
        (8, 0, 1, 1, 3),  # three runs, and cores to spare
        (8, 0, 2, 1, 2),
        (1, 0, 1, 1, 1),  # never none
        (64, 4, 1, 1, 2),  # a run holds a GPU for training and one for scoring
        (64, 1, 1, 1, 1),
    ],
)
def test_places(runner, monkeypatch, cpus, gpus, workers, actors, expected):
    import ray

    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": float(cpus), "GPU": float(gpus)})
    overrides = [f"training.workers={workers}", f"scoring.actors={actors}", "training.threads_per_worker=2"]
    assert concurrent_runs(load_config(runner.config, overrides), 3, local=False) == expected


@pytest.mark.long  # tests/loop does it without Ray
@pytest.mark.ray
@pytest.mark.slow
def test_a_failing_seed_does_not_stop_the_others(runner):
    assert_others_finish(runner)

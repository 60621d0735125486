"""Several seeds by the real command: one fails, the others finish, and the command goes on where it was."""

import json

import pyarrow.parquet as pq
import pytest
import yaml

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
    runner.config.write_text(yaml.safe_dump(yaml.safe_load(runner.config.read_text()) | {"iterations": 1}))
    broken = runner.run_dir / "seed_1"
    broken.mkdir(parents=True)
    (broken / "run.json").write_text("{")
    done = runner.raymeta("run", str(runner.config), "seeds=[1, 2]", "acquisition.strategy=entropy_box")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "1 of 2 runs failed" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    finished = runner.run_dir / "seed_2"
    assert json.loads((finished / "iterations/000/summary.json").read_text())["seed"] == 2
    config = yaml.safe_load((finished / "config.yaml").read_text())
    assert (config["seed"], config["seeds"], config["run_dir"]) == (2, None, str(finished))
    assert pq.read_table(finished / "iterations/000/query.parquet").num_rows == 20
    (broken / "run.json").unlink()
    output = runner.run("seeds=[1, 2]", "acquisition.strategy=entropy_box")
    assert "all iterations are done" in output
    assert (runner.run_dir / "report/report.html").exists()

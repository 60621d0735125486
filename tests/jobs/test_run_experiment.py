"""The job file on a cluster started as the README says."""

import sys

import pytest
import yaml

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def test_a_submitted_job_runs_the_experiment(submit, tmp_path):
    config = tmp_path / "config.yaml"
    values = {
        "run_dir": str(tmp_path / "run"),
        "iterations": 1,
        "dataset": {
            "kind": "street_scenes",
            "root": str(tmp_path / "scenes"),
            "scenes": {"train_images": 6, "validation_images": 2, "height": 64, "width": 96},
        },
        "acquisition": {
            "strategy": "entropy_box_plus",
            "box_width": 16,
            "query_size": 5,
            "initial_images": 2,
            "clicks_sample_images": 2,
        },
        "network": {"width_multiplier": 0.0625, "batch_norm": True},
        "training": {"max_epochs": 1, "batch_size": 2, "threads_per_worker": 1},
        "scoring": {"threads_per_actor": 1},
    }
    config.write_text(yaml.safe_dump(values))
    done = submit("--", sys.executable, "jobs/run_experiment.py", str(config))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "entropy_box_plus" in done.stdout
    assert (tmp_path / "run/iterations/000/summary.json").exists()
    assert (tmp_path / "run/report/report.html").exists()

"""The job file on a cluster started as the README says."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytestmark = [pytest.mark.ray, pytest.mark.slow]
ROOT = Path(__file__).parent.parent.parent
RAY = str(Path(sys.executable).parent / "ray")


def test_a_submitted_job_runs_the_experiment(cluster, tmp_path):
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
    command = [RAY, "job", "submit", "--working-dir", ".", "--", sys.executable, "jobs/run_experiment.py", str(config)]
    done = subprocess.run(command, cwd=ROOT, env=cluster, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "entropy_box_plus" in done.stdout
    assert (tmp_path / "run/iterations/000/summary.json").exists()
    assert (tmp_path / "run/report/report.html").exists()

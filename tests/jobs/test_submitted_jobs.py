"""The job files that run an experiment and select among predictions, on one cluster started as the README says."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from prediction_folders import assert_as_here, write_predictions

ROOT = Path(__file__).parent.parent.parent

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
        "report": {"panel_images": 0},
    }
    config.write_text(yaml.safe_dump(values))
    done = submit("--", sys.executable, "jobs/run_experiment.py", str(config))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "entropy_box_plus" in done.stdout
    assert (tmp_path / "run/iterations/000/summary.json").exists()
    assert (tmp_path / "run/report/report.html").exists()


def test_a_submitted_job_selects_what_one_process_selects(submit, tmp_path):
    config = write_predictions(tmp_path)
    done = submit("--", sys.executable, "jobs/select_boxes.py", str(config))
    assert done.returncode == 0, done.stdout + done.stderr
    assert_as_here(config, tmp_path)


def test_a_job_file_whose_config_is_missing_says_so(tmp_path):
    """By its exit code, which is the job's too."""
    command = [sys.executable, "jobs/select_boxes.py", str(tmp_path / "nothing.yaml")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode != 0
    assert str(tmp_path / "nothing.yaml") in done.stderr
    assert "Traceback" not in done.stderr

"""The job file that selects among predictions, on a cluster started as the README says."""

import sys

import pytest
from prediction_folders import assert_as_here, write_predictions

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def test_a_submitted_job_selects_what_one_process_selects(submit, tmp_path):
    config = write_predictions(tmp_path)
    done = submit("--", sys.executable, "jobs/select_boxes.py", str(config))
    assert done.returncode == 0, done.stdout + done.stderr
    assert_as_here(config, tmp_path)


def test_a_job_whose_config_is_missing_says_so(submit, tmp_path):
    done = submit("--", sys.executable, "jobs/select_boxes.py", str(tmp_path / "nothing.yaml"))
    assert done.returncode != 0
    assert str(tmp_path / "nothing.yaml") in done.stdout
    assert "Traceback" not in done.stdout

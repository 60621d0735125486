"""`raymeta select --on-ray` gives the boxes that threads of one process give."""

import pytest
from prediction_folders import assert_as_here, write_predictions

from raymeta.cli import main

pytestmark = pytest.mark.ray


def test_ray_data_gives_the_same_boxes(cluster, tmp_path):
    config = write_predictions(tmp_path)
    assert main(["select", str(config), "--on-ray"]) == 0
    assert_as_here(config, tmp_path)

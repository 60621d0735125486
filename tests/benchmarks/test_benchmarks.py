"""The benchmarks run and write their table; how fast is no matter of tests."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PASSIVE = os.environ | {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "1"}


def test_quick_mode_measures_every_stage(tmp_path):
    out = tmp_path / "table.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--out", str(out), "image", "gpu", "selection", "pool"]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=300).stdout
    content = json.loads(out.read_text())
    assert content["quick"]
    stages = [row["stage"] for row in content["rows"]]
    for stage in ("dispersion + arg-max", "segment_metrics with IoU", "score_image metabox_plus", "selection"):
        assert stage in stages
        assert stage in output
    timed = [row for row in content["rows"] if not row["stage"].startswith("bytes")]
    assert all(row["seconds"] > 0 for row in timed)


@pytest.mark.long
@pytest.mark.ray
@pytest.mark.slow
def test_quick_mode_on_ray(tmp_path):
    out = tmp_path / "table.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--out", str(out), "training", "iteration"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=500)
    rows = {row["stage"]: row["seconds"] for row in json.loads(out.read_text())["rows"]}
    assert rows["training, 2 workers of Ray Train"] > 0
    assert 0 < rows["iteration beyond its work"] < rows["whole iteration, tiny images"]


def test_an_unknown_section_is_named():
    command = [sys.executable, "-m", "benchmarks", "speed"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 2
    assert (
        "section 'speed' is unknown: choose of image, query, gpu, selection, scale, pool, training, iteration, exchange"
        in done.stderr
    )


def test_the_gpu_run_needs_neither_ray_nor_catboost_and_writes_every_part(tmp_path):
    parts = ["metrics", "pool", "study"]
    command = [sys.executable, "-m", "benchmarks.gpu_run", "--device", "cpu", "--quick", "--out", str(tmp_path), *parts]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, env=PASSIVE)
    assert done.returncode == 0, done.stdout + done.stderr
    content = json.loads((tmp_path / "gpu.json").read_text())
    assert list(content["parts"]) == parts
    stages = [row["stage"] for row in content["rows"]]
    for stage in ("GPU: segment_metrics, pool", "files to candidates, 1 threads", "study, metabox_plus, iteration 1"):
        assert stage in stages


def test_a_part_that_has_no_time_left_is_named(tmp_path):
    command = [sys.executable, "-m", "benchmarks.gpu_run", "--device", "cpu", "--quick", "--minutes", "-1", "metrics"]
    done = subprocess.run([*command, "--out", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0
    assert json.loads((tmp_path / "gpu.json").read_text())["parts"] == {"metrics": "left out: no time left"}

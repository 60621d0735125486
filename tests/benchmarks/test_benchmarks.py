"""The benchmarks run and write their table; how fast is no matter of tests."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


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
        "section 'speed' is unknown: choose of image, query, gpu, selection, pool, training, iteration" in done.stderr
    )

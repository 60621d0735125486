"""A sweep of 2×2 on generated scenes, submitted to a cluster; killed, and submitted again."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.long]
ROOT = Path(__file__).parent.parent.parent
RAY = str(Path(sys.executable).parent / "ray")


def write_sweep(folder):
    base = {
        "run_dir": "unused",
        "iterations": 2,
        "dataset": {
            "kind": "street_scenes",
            "root": str(folder / "scenes"),
            "scenes": {"train_images": 6, "validation_images": 2, "height": 64, "width": 96},
        },
        "acquisition": {"strategy": "entropy_box", "initial_images": 2},
        "network": {"width_multiplier": 0.0625, "batch_norm": True},
        "training": {"max_epochs": 1, "batch_size": 2, "threads_per_worker": 1},
        "scoring": {"threads_per_actor": 1},
        "report": {"panel_images": 0},
    }
    (folder / "base.yaml").write_text(yaml.safe_dump(base))
    sweep = {
        "base": "base.yaml",
        "sweep_dir": str(folder / "sweep"),
        "parameters": {"acquisition.box_width": [8, 16], "acquisition.query_size": [4, 6]},
    }
    (folder / "sweep.yaml").write_text(yaml.safe_dump(sweep))


def finished(folder):
    return sorted(path.parts[-4] for path in folder.glob("sweep/*/iterations/001/summary.json"))


def stamps(folder):
    return {path: path.stat().st_mtime_ns for path in folder.glob("sweep/*/iterations/*/network.pt")}


def test_a_submitted_sweep_is_killed_and_goes_on_with_what_is_missing(cluster, submit, tmp_path):
    write_sweep(tmp_path)
    job = [sys.executable, "jobs/run_sweep.py", str(tmp_path / "sweep.yaml"), "max_concurrent=2"]
    begun = submit("--submission-id", "first", "--no-wait", "--", *job)
    assert begun.returncode == 0, begun.stdout + begun.stderr
    wait_until(lambda: finished(tmp_path), "no trial was finished")
    subprocess.run([RAY, "job", "stop", "first"], cwd=ROOT, env=cluster, capture_output=True, timeout=120)
    wait_until(lambda: not holders(tmp_path), "a trial outlived its sweep")
    before, kept = finished(tmp_path), stamps(tmp_path)
    assert 0 < len(before) < 4
    done = submit("--", *job)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"4 trials, 4 runs, {len(before)} of them done" in done.stdout
    assert finished(tmp_path) == sorted(f"box_width={b},query_size={q}" for b in (8, 16) for q in (4, 6))
    assert {path: stamp for path, stamp in stamps(tmp_path).items() if path in kept} == kept
    for width in (8, 16):
        for size in (4, 6):
            folder = tmp_path / f"sweep/box_width={width},query_size={size}"
            assert json.loads((folder / "iterations/001/summary.json").read_text())["boxes"] == size
    report = tmp_path / "sweep/report"
    assert all((report / name).stat().st_size for name in ("report.html", "sweep.csv", "sweep.png"))


def holders(folder):
    """Trial processes that still run: the locks of their runs."""
    return list(folder.glob("sweep/*/lock.json"))


def wait_until(condition, message):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.25)
    raise AssertionError(message)

"""A tiny experiment, run by the real command in its own process, and what two runs of it must have in common."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from raymeta.datasets.street_scenes import write_street_scenes

SCENES = {"train_images": 14, "validation_images": 3, "height": 64, "width": 96, "seed": 0}
TINY: dict[str, Any] = {
    "seed": 0,
    "iterations": 2,
    "dataset": {"kind": "street_scenes", "scenes": SCENES},
    "acquisition": {
        "strategy": "metabox_plus",
        "box_width": 16,
        "query_size": 20,
        "initial_images": 3,
        "meta_images": 3,
        "clicks_sample_images": 4,
    },
    "network": {"width_multiplier": 0.0625, "batch_norm": True},
    "training": {
        "learning_rate": 0.002,
        "batch_size": 2,
        "max_epochs": 3,
        "steps_per_epoch": 3,
        "threads_per_worker": 1,
    },
    "scoring": {"threads_per_actor": 1},
}


def write_scenes(root: Path) -> Path:
    write_street_scenes(root, *SCENES.values())
    return root


def child_environment(home: Path) -> dict[str, str]:
    """Its own HOME, since Ray may write a token there, and no cluster named."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return kept | {"HOME": str(home), "RAY_AUTH_MODE": "disabled", "COLUMNS": "200", "OMP_NUM_THREADS": "1"}


class TinyRun:
    """The tiny experiment in a folder of its own."""

    def __init__(self, folder: Path, scenes: Path, run_dir: str | None = None) -> None:
        self.folder = folder
        self.run_dir = folder / "run"
        self.config = folder / "config.yaml"
        values = TINY | {"run_dir": run_dir or str(self.run_dir)}
        values["dataset"] = TINY["dataset"] | {"root": str(scenes)}
        self.config.write_text(yaml.safe_dump(values))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `raymeta run` in a process group of its own."""
        with (self.folder / "output.txt").open("w") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "raymeta", "run", str(self.config), *arguments],
                env=child_environment(self.folder),
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """What the process that was started last has written."""
        return (self.folder / "output.txt").read_text()

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run to the end."""
        process = self.start(*arguments)
        try:
            process.wait(timeout=420)
        finally:
            kill_group(process)
        assert process.returncode == code, self.output
        return self.output

    def wait_for_work(self, process: subprocess.Popen[str], seconds: float = 120) -> None:
        """Return once the process holds the run folder."""
        deadline = time.monotonic() + seconds
        lock = self.run_dir / "lock.json"
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError, ValueError, KeyError):
                if json.loads(lock.read_text())["pid"] == process.pid:
                    return
            time.sleep(0.02)
        assert process.poll() is None, self.output

    def committed(self) -> list[str]:
        """`iteration/stage` of every stage in the manifests."""
        found = []
        for path in sorted(self.run_dir.glob("iterations/*/manifest.json")):
            with contextlib.suppress(OSError, ValueError):
                found += [f"{path.parent.name}/{stage}" for stage in json.loads(path.read_text())["stages"]]
        return found


def kill_group(process: subprocess.Popen[str]) -> None:
    """SIGKILL to all processes that it started, if any is left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def results(run_dir: Path) -> dict[str, Any]:
    """Queries, labels, clicks and summaries of a run, without times."""
    kept: dict[str, Any] = {}
    for path in sorted(run_dir.glob("iterations/*/*")):
        name = f"{path.parent.name}/{path.name}"
        if path.name in ("query.parquet", "annotation.parquet", "segments.parquet"):
            kept[name] = pq.read_table(path).to_pylist()
        if path.name in ("summary.json", "evaluation.json", "fit.json", "score.json", "oracle.json"):
            kept[name] = json.loads(path.read_text())
            kept[name].pop("seconds", None)
    for name in ("split.parquet", "pool_clicks.parquet"):
        kept[name] = pq.read_table(run_dir / name).to_pylist()
    return kept


def assert_same(run_dir: Path, undisturbed: Path) -> None:
    """All results alike, and nothing left over."""
    found, wanted = results(run_dir), results(undisturbed)
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert found[name] == value, name
    assert _files(run_dir) == _files(undisturbed)


def _files(run_dir: Path) -> list[str]:
    """All files of a run but its report's, whose pictures are named after what they show."""
    names = [str(path.relative_to(run_dir)) for path in run_dir.rglob("*")]
    return sorted(name for name in names if not name.startswith("report"))

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
from tiny_settings import child_environment, tiny_values


class TinyRun:
    """The tiny experiment in a folder of its own."""

    def __init__(self, folder: Path, scenes: Path, run_dir: str | None = None) -> None:
        self.folder = folder
        self.run_dir = folder / "run"
        self.config = folder / "config.yaml"
        self.config.write_text(yaml.safe_dump(tiny_values(scenes, run_dir or str(self.run_dir))))

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
    found_files, wanted_files = _files(run_dir), _files(undisturbed)
    assert found_files == wanted_files, found_files ^ wanted_files


def _files(run_dir: Path) -> set[str]:
    """All files of a run but its report's, whose pictures are named after what they show."""
    names = {str(path.relative_to(run_dir)) for path in run_dir.rglob("*")}
    return {name for name in names if not name.startswith("report")}

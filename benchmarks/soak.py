"""Soak: the loop and priority-map queries again and again on one Ray, watching memory, files, threads and processes.

    python benchmarks/soak.py --minutes 30

Each round runs a tiny experiment of two iterations to its end and then queries priority maps of its network. Prints one
line a round and exits 1 where something grows from the second third of the rounds to the last.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import mean

import torch
from rich.console import Console

from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.cluster.active_learning import run_experiment
from raymeta.cluster.connection import ray_connection
from raymeta.config import ExperimentConfig, parse_config
from raymeta.datasets.registry import open_dataset
from raymeta.experiment.image_scorer import Bundle, ImageScorer
from raymeta.experiment.run_store import RunStore

QUERIES = 20
SETTLING_ROUNDS = 3
GROWTH_ALLOWED = {"memory_mib": 0.05, "driver_mib": 0.05, "open_files": 0.02, "threads": 0.05, "actors": 0.0}
"""Share by which the last third's mean may exceed the second third's: caches and pools breathe."""


@dataclass(frozen=True)
class Sample:
    """What the driver and all its child processes hold after a round. memory_mib: proportional set size of all."""

    seconds: float
    memory_mib: float
    driver_mib: float
    open_files: int
    threads: int
    processes: int
    actors: int
    temporary_files: int


def experiment(folder: Path, number: int) -> ExperimentConfig:
    return parse_config(
        {
            "run_dir": str(folder / f"run_{number}"),
            "iterations": 2,
            "dataset": {
                "kind": "street_scenes",
                "root": str(folder / "scenes"),
                "scenes": {"train_images": 24, "validation_images": 4, "height": 96, "width": 192},
            },
            "acquisition": {
                "strategy": "metabox_plus",
                "box_width": 16,
                "query_size": 40,
                "initial_images": 4,
                "meta_images": 4,
                "clicks_sample_images": 4,
            },
            "network": {"width_multiplier": 0.0625, "batch_norm": True},
            "training": {
                "learning_rate": 2e-3,
                "batch_size": 2,
                "max_epochs": 4,
                "steps_per_epoch": 6,
                "threads_per_worker": 1,
            },
            "scoring": {"threads_per_actor": 1},
        }
    )


def query(config: ExperimentConfig, queries: int) -> None:
    """Priority maps of pool images by the finished run's network."""
    dataset = open_dataset(config.dataset, config.seed)
    folder = RunStore(config.run_dir).iteration(1)
    bundle = Bundle(
        "soak", 1, folder.read_bytes("network.pt"), folder.read_bytes("meta_regressor.bin"), LabelledRegions(), 8
    )
    scorer = ImageScorer(config, dataset, bundle, torch.device("cpu"))
    ids = dataset.pool_ids()
    for number in range(queries):
        scorer.score(ids[number % len(ids)], keep_maps=True)


def descendants(pid: int) -> list[int]:
    """Live processes below one, and itself."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has just ended
    found, new = [pid], [pid]
    while new:
        new = [child for child, parent in parents.items() if parent in new]
        found += new
    return found


def proportional_mib(pid: int) -> float:
    """Memory of a process, shared pages by share."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def sample(began: float, temporary: Path) -> Sample:
    memory, files, threads, actors = {}, 0, 0, 0
    for pid in descendants(os.getpid()):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            memory[pid] = proportional_mib(pid)
            files += len(os.listdir(f"/proc/{pid}/fd"))
            threads += len(os.listdir(f"/proc/{pid}/task"))
        except OSError:
            continue  # it has just ended
        actors += command.startswith(b"ray::") and b"ray::IDLE" not in command
    return Sample(
        round(time.monotonic() - began, 1),
        round(sum(memory.values()), 1),
        round(memory[os.getpid()], 1),
        files,
        threads,
        len(memory),
        actors,
        sum(1 for _ in temporary.rglob("*")),
    )


def growth(samples: list[Sample]) -> list[str]:
    """What grew beyond GROWTH_ALLOWED."""
    third = len(samples) // 3
    early, late = samples[third : 2 * third], samples[2 * third :]
    grown = []
    for name, allowed in GROWTH_ALLOWED.items():
        before, after = (mean(getattr(s, name) for s in part) for part in (early, late))
        if after > before * (1 + allowed):
            grown.append(f"{name} grew from {before:.1f} to {after:.1f}")
    return grown


def soak(minutes: float, folder: Path) -> list[Sample]:
    """Rounds until the time is over; the first ones, in which caches fill, are not in the samples."""
    began, number = time.monotonic(), 0
    samples: list[Sample] = []
    names = [field.name for field in fields(Sample)]
    print(" ".join(f"{name:>15}" for name in ["round", *names]))
    with ray_connection("local"), Path(os.devnull).open("w") as nowhere:
        while time.monotonic() - began < 60 * minutes or len(samples) < 3:
            config = experiment(folder, number)
            run_experiment(config, "local", Console(file=nowhere))
            query(config, QUERIES)
            shutil.rmtree(config.run_dir)
            time.sleep(2)  # actors that were let go end
            taken = sample(began, folder)
            print(" ".join(f"{value:>15}" for value in [number, *asdict(taken).values()]), flush=True)
            number += 1
            if number > SETTLING_ROUNDS:
                samples.append(taken)
    return samples


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long (%(default)s)")
    parser.add_argument("--json", type=Path, help="file for the samples")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="raymeta-soak-") as folder:
        os.environ["TMPDIR"] = tempfile.tempdir = str(Path(folder) / "tmp")
        Path(tempfile.tempdir).mkdir()
        samples = soak(options.minutes, Path(folder))
    if options.json:
        options.json.write_text(json.dumps([asdict(taken) for taken in samples], indent=2))
    grown = growth(samples)
    print("\n".join(grown) or f"{len(samples)} rounds: nothing grew")
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())

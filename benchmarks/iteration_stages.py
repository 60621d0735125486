"""What an iteration costs beyond its work: a run on a local Ray whose images take next to nothing."""

import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.measurement import Measurement
from raymeta.config import parse_config
from raymeta.runs.iteration_folder import STAGES
from raymeta.runs.run_store import RunStore

ITERATIONS, QUICK_ITERATIONS = 6, 2


def measure_iterations(quick: bool) -> list[Measurement]:
    """Median seconds of an iteration of metabox_plus after the first, which starts the workers, and of its stages."""
    from raymeta.cluster.experiment import run_experiment

    iterations = QUICK_ITERATIONS if quick else ITERATIONS
    with tempfile.TemporaryDirectory() as folder:
        config = parse_config(_values(Path(folder), iterations))
        run_experiment(config, "local", Console(quiet=True))
        store = RunStore(config.run_dir)
        seconds = [store.iteration(index).stage_seconds() for index in range(1, iterations)]
        work = [_work_seconds(store, index) for index in range(1, iterations)]
    beyond = [sum(stages.values()) - own for stages, own in zip(seconds, work, strict=True)]
    size = f"{iterations - 1} iterations"
    stages = ", ".join(f"{name} {_median([each[name] for each in seconds]):.2f} s" for name in STAGES)
    return [
        Measurement(
            "whole iteration, tiny images", size, _median([sum(each.values()) for each in seconds]), note=stages
        ),
        Measurement(
            "iteration beyond its work", size, _median(beyond), target="< 2 s", note="epochs and scoring left out"
        ),
    ]


def _work_seconds(store: RunStore, index: int) -> float:
    """Seconds of the epochs and of the pool's images, as the workers measured them."""
    folder = store.iteration(index)
    epochs = sum(folder.read_table("training.parquet")["seconds"].to_pylist())
    images = folder.read_table("images.parquet")
    parts = [name for name in images.column_names if name.startswith("seconds_")]
    return float(epochs + sum(sum(images[name].to_pylist()) for name in parts))


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def _values(folder: Path, iterations: int) -> dict[str, Any]:
    scenes = {"train_images": 24, "validation_images": 2, "height": 64, "width": 96, "seed": 0}
    return {
        "run_dir": str(folder / "run"),
        "iterations": iterations,
        "dataset": {"kind": "street_scenes", "root": str(folder / "scenes"), "scenes": scenes},
        "acquisition": {
            "strategy": "metabox_plus",
            "box_width": 16,
            "query_size": 20,
            "initial_images": 3,
            "meta_images": 3,
            "clicks_sample_images": 4,
        },
        "network": {"width_multiplier": 0.0625, "batch_norm": True},
        "training": {"batch_size": 2, "max_epochs": 2, "steps_per_epoch": 2, "threads_per_worker": 1},
        "scoring": {"threads_per_actor": 1},
    }

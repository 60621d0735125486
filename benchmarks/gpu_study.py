"""A short study on generated scenes, as `raymeta run --local` does it: seconds of each stage, and mIoU."""

import io
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
from rich.console import Console

from benchmarks.measurement import Measurement
from raymeta.config import ExperimentConfig, parse_config
from raymeta.loop.iterations import run_experiment
from raymeta.loop.local_workers import LocalScorer, LocalTrainer
from raymeta.runs.records import SummaryRecord
from raymeta.runs.run_store import RunStore


def measure_study(device: torch.device, quick: bool) -> list[Measurement]:
    """metabox_plus against random_box, from the same images."""
    rows: list[Measurement] = []
    with tempfile.TemporaryDirectory() as folder:
        for strategy in ("random_box", "metabox_plus"):
            config = _config(Path(folder), strategy, quick)
            start = time.perf_counter()
            run_experiment(config, partial(_workers, device=device), Console(file=io.StringIO()))
            seconds = time.perf_counter() - start
            rows += _rows(config, strategy, seconds)
    return rows


def _config(folder: Path, strategy: str, quick: bool) -> ExperimentConfig:
    size = (64, 96) if quick else (256, 512)
    scenes = {"train_images": 10 if quick else 150, "validation_images": 2 if quick else 30}
    return parse_config(
        {
            "run_dir": str(folder / strategy),
            "iterations": 2 if quick else 3,
            "dataset": {
                "kind": "street_scenes",
                "root": str(folder / "scenes"),
                "scenes": scenes | {"height": size[0], "width": size[1], "seed": 0},
            },
            "acquisition": {
                "strategy": strategy,
                "box_width": 8 if quick else 32,
                "query_size": 6 if quick else 400,
                "initial_images": 2 if quick else 8,
                "meta_images": 2 if quick else 8,
            },
            "meta_regressor": {"kind": "sklearn"},
            "network": {"width_multiplier": 0.0625 if quick else 0.25, "batch_norm": True},
            "training": {
                "learning_rate": 1e-3,
                "batch_size": 2 if quick else 8,
                "max_epochs": 2 if quick else 20,
                "steps_per_epoch": 2 if quick else 20,
            },
            "scoring": {"threads_per_actor": 2 if quick else 8},
        }
    )


@contextmanager
def _workers(config: ExperimentConfig, device: torch.device) -> Iterator[tuple[LocalTrainer, LocalScorer]]:
    yield LocalTrainer(config, device), LocalScorer(config, device)


def _rows(config: ExperimentConfig, strategy: str, seconds: float) -> list[Measurement]:
    store = RunStore(config.run_dir)
    rows = [Measurement(f"study, {strategy}, whole run", f"{config.iterations} iterations", seconds)]
    for index in store.iterations():
        summary = SummaryRecord.read(store.iteration(index))
        stages = ", ".join(f"{name} {taken:.1f} s" for name, taken in summary.seconds.items())
        note = f"mIoU {100 * summary.miou:.2f} %, {stages}"
        rows.append(Measurement(f"study, {strategy}, iteration {index}", "", sum(summary.seconds.values()), note=note))
    return rows

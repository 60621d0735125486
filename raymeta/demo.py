"""The main job on generated street scenes: metabox_plus against random_box, nothing to download."""

import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from raymeta.config import ExperimentConfig, absolute_paths, parse_config
from raymeta.report.page import print_table, write_report

STRATEGIES = ("metabox_plus", "random_box")


def demo_config(out: Path, strategy: str, seed: int) -> ExperimentConfig:
    """Small enough for 2 cores and a few minutes, large enough that the network still learns."""
    config = parse_config(
        {
            "run_dir": str(out / strategy),
            "seed": seed,
            "iterations": 4,
            "dataset": {
                "kind": "street_scenes",
                "root": str(out / f"scenes_{seed}"),
                "scenes": {"train_images": 80, "validation_images": 16, "height": 96, "width": 192, "seed": seed},
            },
            "acquisition": {
                "strategy": strategy,
                "box_width": 16,
                "query_size": 360,
                "initial_images": 6,
                "meta_images": 6,
                "clicks_sample_images": 16,
            },
            "network": {"width_multiplier": 0.125, "batch_norm": True},
            "training": {
                "learning_rate": 2e-3,
                "batch_size": 4,
                "patience": 4,
                "max_epochs": 8,
                "steps_per_epoch": 16,
                "horizontal_flip": True,
            },
        },
        source="demo",
    )
    return absolute_paths(config)


def run_demo(out: Path, seed: int, run: Callable[[ExperimentConfig, Console], None], console: Console) -> int:
    """Run both strategies with one seed, print the table and write the report. run: runs one experiment."""
    began = time.monotonic()
    runs = []
    for strategy in STRATEGIES:
        config = demo_config(out, strategy, seed)
        run(config, console)
        runs.append(config.run_dir)
    print_table(runs, console)
    path = write_report(runs, str(out / "report"))
    console.print(f"{time.monotonic() - began:.0f} s", highlight=False)
    console.print(f"report: {path}", highlight=False, soft_wrap=True)
    return 0
